use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Mutex;

use holdfast_proto::v1::watch_server::{Watch as Service, WatchServer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Response};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;
use crate::Client;

/// Something a fake node says, stream by stream.
#[derive(Clone)]
enum Says {
    /// These items; then the stream breaks.
    Items(Vec<Item>),
    Refuses(Code, &'static str),
}

/// A node that says what it was told to, and remembers where it was asked to start.
struct Fake {
    says: Mutex<Vec<Says>>,
    asked: Arc<Mutex<Vec<Option<Start>>>>,
}

#[tonic::async_trait]
impl Service for Fake {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<proto::WatchReply, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<proto::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.asked.lock().unwrap().push(request.into_inner().start);
        let mut says = self.says.lock().unwrap();
        match says.remove(0) {
            Says::Refuses(code, reason) => {
                let details = ErrorDetails::with_error_info(reason, "holdfast", HashMap::new());
                Err(Status::with_error_details(code, "no", details))
            }
            Says::Items(items) => {
                let replies = items.into_iter().map(|item| Ok(proto::WatchReply { item: Some(item) }));
                Ok(Response::new(Box::pin(tokio_stream::iter(replies.collect::<Vec<_>>()))))
            }
        }
    }
}

fn at(index: u64, ordinal: u32) -> proto::Revision {
    proto::Revision { index, ordinal }
}

fn event(index: u64, ordinal: u32) -> proto::WatchEvent {
    let (revision, kind) = (Some(at(index, ordinal)), "booking.held".to_owned());
    proto::WatchEvent { revision, kind, ..proto::WatchEvent::default() }
}

fn events(events: &[(u64, u32)]) -> Item {
    let events = events.iter().map(|(index, ordinal)| event(*index, *ordinal)).collect();
    Item::Events(proto::WatchEvents { events })
}

/// What a watcher is told by a node that says this, and where it asked to start.
async fn told(watch: Watch, says: Vec<Says>) -> (Vec<String>, Vec<Option<Start>>) {
    let asked = Arc::default();
    let fake = Fake { says: Mutex::new(says), asked: Arc::clone(&asked) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tonic::transport::Server::builder().add_service(WatchServer::new(fake));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let client = Client::builder().endpoints([address]).token("t").build().unwrap();
    let watching = client.watch(watch);
    let told = watching.map(|told| match told {
        Ok(Watched::Event(event)) => format!("{}-{}", event.revision.index, event.revision.ordinal),
        Ok(Watched::Begun(at)) => format!("begun {}-{}", at.index, at.ordinal),
        // Behind the address of the node.
        Ok(Watched::Lost(why)) => format!("lost: {}", why.split_once(": ").unwrap().1),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    });
    let told = told.collect().await;
    let asked = asked.lock().unwrap().clone();
    (told, asked)
}

#[tokio::test]
async fn a_stream_that_breaks_goes_on_behind_the_last_event() {
    let says = vec![
        Says::Items(vec![Item::Hello(at(10, 0)), events(&[(11, 0), (11, 1)])]),
        Says::Refuses(Code::Unavailable, "no_quorum"),
        Says::Items(vec![Item::Hello(at(11, 1)), events(&[(11, 2)])]),
        Says::Refuses(Code::NotFound, "revision_gone"),
    ];
    let (told, asked) = told(Watch::everything(), says).await;
    let expected = [
        "begun 10-0",
        "11-0",
        "11-1",
        "lost: the stream broke off",
        "lost: no_quorum: no",
        "begun 11-1",
        "11-2",
        "lost: the stream broke off",
        "refused: revision_gone: no",
    ];
    assert_eq!(told, expected);
    let after = |index, ordinal| Some(Start::After(at(index, ordinal)));
    assert_eq!(asked, [None, after(11, 1), after(11, 1), after(11, 2)]);
}

#[tokio::test]
async fn a_stream_that_told_nothing_goes_on_where_it_began() {
    // A reason that is not known here says no more than that another node is to be tried.
    let (reason, detail) = ("full_moon".to_owned(), "go home".to_owned());
    let cut = proto::WatchCut { reason, detail, ..proto::WatchCut::default() };
    let says = vec![
        Says::Items(vec![Item::Hello(at(10, 0)), Item::Cut(cut)]),
        Says::Items(vec![Item::Hello(at(10, 0)), Item::Progress(at(15, 0))]),
        Says::Refuses(Code::Unauthenticated, "token_expired"),
    ];
    let (told, asked) = told(Watch::everything().after_index(10), says).await;
    let expected = [
        "begun 10-0",
        "lost: full_moon: go home",
        "begun 10-0",
        "Progress(Revision { index: 15, ordinal: 0 })",
        "lost: the stream broke off",
        "refused: token_expired: no",
    ];
    assert_eq!(told, expected);
    let after = |index, ordinal| Some(Start::After(at(index, ordinal)));
    assert_eq!(asked, [Some(Start::AfterIndex(10)), after(10, 0), after(15, 0)]);
}

#[tokio::test]
async fn who_reaches_no_node_is_told_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let client = Client::builder().endpoints([&address]).token("t").build().unwrap();
    let told = client.watch(Watch::everything()).next().await;
    let Some(Ok(Watched::Lost(why))) = told else { panic!("{told:?}") };
    assert!(why.starts_with(&address) && why.contains("refused"), "{why}");
}
