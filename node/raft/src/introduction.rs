//! How nodes introduce themselves: every call names cluster, group, sender and target, and is refused when they are not
//! those of this node. A wrong address must never become a vote.

use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use holdfast_storage::identity::{ClusterId, Membership as NodeIdentity};

const CLUSTER: &str = "holdfast-cluster";
const GROUP: &str = "holdfast-group";
pub(crate) const FROM: &str = "holdfast-from";
const TO: &str = "holdfast-to";

/// Writes an introduction on every call to one peer.
#[derive(Clone)]
pub(crate) struct Introduce {
    cluster: AsciiMetadataValue,
    group: AsciiMetadataValue,
    from: AsciiMetadataValue,
    to: AsciiMetadataValue,
}

impl Introduce {
    /// Introduces this node to another.
    pub(crate) fn new(own: NodeIdentity, group: u32, to: u64) -> Result<Self, Status> {
        let value = |text: String| {
            AsciiMetadataValue::try_from(text).map_err(|_| Status::internal("an introduction is not ASCII"))
        };
        Ok(Self {
            cluster: value(own.cluster.to_string())?,
            group: value(group.to_string())?,
            from: value(own.node.to_string())?,
            to: value(to.to_string())?,
        })
    }
}

impl Interceptor for Introduce {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert(CLUSTER, self.cluster.clone());
        metadata.insert(GROUP, self.group.clone());
        metadata.insert(FROM, self.from.clone());
        metadata.insert(TO, self.to.clone());
        Ok(request)
    }
}

/// Checks an introduction: who calls.
pub(crate) fn check(metadata: &MetadataMap, own: NodeIdentity, group: u32) -> Result<u64, Status> {
    let cluster: ClusterId = read(metadata, CLUSTER)?;
    if cluster != own.cluster {
        let why = format!("node {} is of cluster {}, not of {cluster}", own.node, own.cluster);
        return Err(Status::failed_precondition(why));
    }
    let their_group: u32 = read(metadata, GROUP)?;
    if their_group != group {
        return Err(Status::failed_precondition(format!("this is group {group}, not {their_group}")));
    }
    let to: u64 = read(metadata, TO)?;
    if to != own.node {
        return Err(Status::failed_precondition(format!("this is node {}, not node {to}", own.node)));
    }
    read(metadata, FROM)
}

fn read<T: std::str::FromStr>(metadata: &MetadataMap, name: &'static str) -> Result<T, Status> {
    let value = metadata.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    value.ok_or_else(|| Status::unauthenticated(format!("{name} is missing: only nodes call here")))
}
