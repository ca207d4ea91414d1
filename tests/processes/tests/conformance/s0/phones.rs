//! The push services of phones, on loopback.

use holdfast_processes::sinks::{ApnsSink, Authority, FcmSink};

use crate::walk::Walk;

use super::open_park_in;

pub(super) struct Phones {
    pub(super) apns: ApnsSink,
    pub(super) fcm: FcmSink,
    _authority: Authority,
}

/// The park, on nodes that send to phones. Mia's is an iPhone that is called `abc1`, Tom's is not and is called `tom-phone`.
pub(super) async fn open_park_with_phones() -> (Walk, Phones) {
    let authority = Authority::new();
    let (apns, fcm) = (ApnsSink::start(&authority).await, FcmSink::start(&authority).await);
    let mut settings = [apns.environment(), fcm.environment()].concat();
    settings.push(("HOLDFAST_NOTIFICATIONS_CA_FILE", authority.ca_file().display().to_string()));
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut walk = open_park_in(Walk::open_with(&settings).await).await;
    walk.converse(
        r#"
        mia POST /v1/devices {"platform":"apns","token":"abc1","language":"en"} -> 201
        tom POST /v1/devices {"platform":"fcm","token":"tom-phone","language":"de"} -> 201
        "#,
    )
    .await;
    (walk, Phones { apns, fcm, _authority: authority })
}
