use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What a node does with a call.
#[derive(Clone, Copy)]
enum Fake {
    /// Answers with a status and a code.
    Says(u16, &'static str),
    /// Takes the call and is gone.
    Loses,
    /// Is not there.
    Refuses,
}

use Fake::{Loses, Refuses, Says};

impl Fake {
    async fn serve(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        if !matches!(self, Refuses) {
            tokio::spawn(async move {
                while let Ok((connection, _)) = listener.accept().await {
                    self.answer(connection).await;
                }
            });
        }
        address
    }

    async fn answer(self, mut connection: TcpStream) {
        let mut request = vec![0; 64 << 10];
        let length = connection.read(&mut request).await.unwrap();
        assert!(length > 0, "a call came");
        if let Says(status, code) = self {
            let body = json!({"code": code, "detail": "of the fake"}).to_string();
            let reply = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            connection.write_all(reply.as_bytes()).await.unwrap();
        }
    }
}

/// Calls these nodes in turn under the key `k`: a success, or the exit code and what is said.
async fn called(method: Method, nodes: &[Fake]) -> Result<Value, (u8, String)> {
    let mut endpoints = Vec::new();
    for node in nodes {
        endpoints.push(node.serve().await);
    }
    let api = Api { endpoints, token: None };
    let reply = api.call_with_key(method, "/v1/bookings", None, "k").await;
    let answer = reply.and_then(Reply::success);
    answer.map_err(|failure| (failure.exit_code(), failure.to_string()))
}

const FULL: Fake = Says(409, "slot_full");
const BOOKED: Fake = Says(201, "");
const CUT_OFF: Fake = Says(504, "outcome_unknown");
const BUSY: Fake = Says(503, "overloaded");
const TOKEN_EXPIRED: Fake = Says(401, "unauthenticated");

#[tokio::test]
async fn a_change_that_may_have_happened_is_unknown_and_says_under_which_key_to_ask() {
    let cases: [&[Fake]; 10] = [
        &[CUT_OFF],
        &[Says(500, "internal")],
        &[Loses],
        &[Loses, Refuses],
        &[Loses, BUSY],
        &[CUT_OFF, TOKEN_EXPIRED],
        &[Loses, Says(403, "forbidden")],
        &[Loses, Says(429, "rate_limited")],
        &[Loses, Says(409, "key_expired")],
        &[Refuses, BUSY, CUT_OFF, Refuses],
    ];
    for (case, nodes) in cases.into_iter().enumerate() {
        let (code, says) = called(Method::POST, nodes).await.unwrap_err();
        assert_eq!(code, 8, "case {case}: {says}");
        assert_eq!(
            says,
            "the outcome is unknown: it may have been done (request id k); look at what is there before asking again"
        );
    }
}

#[tokio::test]
async fn another_node_may_know() {
    for nodes in [[Loses, BOOKED], [CUT_OFF, BOOKED], [BUSY, BOOKED], [Refuses, BOOKED]] {
        assert!(called(Method::POST, &nodes).await.is_ok());
        assert!(called(Method::GET, &nodes).await.is_ok());
    }
    for nodes in [[Loses, FULL], [CUT_OFF, FULL], [BUSY, FULL]] {
        let (code, says) = called(Method::POST, &nodes).await.unwrap_err();
        assert_eq!((code, says.contains("409 slot_full")), (6, true), "{says}");
    }
}

#[tokio::test]
async fn what_cannot_have_happened_is_said_to_be_so() {
    let cases: [(&[Fake], u8, &str); 5] = [
        (&[], 2, "--endpoints"),
        (&[Refuses, Refuses], 3, "cannot connect"),
        (&[Refuses, BUSY], 7, "503 overloaded"),
        (&[TOKEN_EXPIRED, BOOKED], 6, "401 unauthenticated"),
        (&[BUSY, TOKEN_EXPIRED], 6, "401 unauthenticated"),
    ];
    for (nodes, expected, word) in cases {
        for method in [Method::POST, Method::GET] {
            let (code, says) = called(method, nodes).await.unwrap_err();
            assert_eq!((code, says.contains(word)), (expected, true), "{says}");
        }
    }
}

#[tokio::test]
async fn a_read_is_never_unknown() {
    let (code, says) = called(Method::GET, &[CUT_OFF]).await.unwrap_err();
    assert_eq!((code, says.contains("504")), (7, true), "{says}");
    assert_eq!(called(Method::GET, &[Loses]).await.unwrap_err().0, 1);
}

#[test]
fn no_token_is_shown_in_a_log() {
    let api = Api { endpoints: vec!["127.0.0.1:1".to_owned()], token: Some("5ecret".to_owned()) };
    let shown = format!("{api:?}");
    assert!(shown.contains("127.0.0.1:1") && !shown.contains("5ecret"), "{shown}");
}
