//! A cluster with something to be broken, and the judgement on answers to nonsense.

use bytes::Bytes;
use holdfast_cluster::{Connection, Reply};
use holdfast_model::{Answer, SlotId};
use holdfast_processes::{Guest, Park, Recorder, Stage, arrive, fresh_key, give_role};
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::Value;

/// Places of the slot.
pub(super) const CAPACITY: u64 = 10;

/// Two bookings of two guests in one slot.
pub(super) struct Scene {
    pub(super) stage: Stage,
    pub(super) slot: SlotId,
    pub(super) guest: Guest,
    staff: Guest,
    /// What stands for what in a table.
    words: Vec<(&'static str, String)>,
}

impl Scene {
    pub(super) async fn open(nodes: usize) -> Self {
        let stage = Stage::start(nodes).await;
        let recorder = Recorder::default();
        let park = Park::open(&stage.operator).await;
        let slot = park.slots(&stage.operator, &[CAPACITY]).await[0];
        let [mut guest, mut stranger, staff] = guests(arrive(&stage, &recorder, 3).await);
        give_role(&stage, staff.user, "staff").await;
        let words = vec![
            ("$slot", slot.0.to_string()),
            ("$ride", park.ride.to_string()),
            ("$venue", park.venue.to_string()),
            ("$mine", booking_of(&mut guest, slot).await),
            ("$theirs", booking_of(&mut stranger, slot).await),
            ("$stranger", stranger.user.0.to_string()),
        ];
        Self { stage, slot, guest, staff, words }
    }

    /// A word of the tables as it is here.
    pub(super) fn word(&self, name: &str) -> &str {
        self.words.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    fn spelled(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn token_of(&self, who: &str) -> Option<&str> {
        match who {
            "nobody" => None,
            "guest" => Some(&self.guest.token),
            "staff" => Some(&self.staff.token),
            "operator" => self.stage.operator.token.as_deref(),
            _ => panic!("nobody is called {who}"),
        }
    }

    /// Everything anybody can see.
    pub(super) async fn visible(&self) -> Vec<Value> {
        let slots = format!("/v1/resources/{}/slots", self.word("$ride"));
        let mut seen = Vec::new();
        let lists =
            ["/v1/venues", "/v1/resources", "/v1/bookings?limit=200", "/v1/users", "/v1/apps", &slots];
        for path in lists {
            seen.push(self.stage.operator.get(path).await.unwrap());
        }
        seen
    }

    /// Makes sure that nothing has changed, that the replicas agree, and that no node has ended or complained.
    pub(super) async fn expect_unharmed(&mut self, seen_before: &[Value]) {
        assert_eq!(self.visible().await, seen_before, "something has changed");
        self.stage.digest().await;
        for position in 0..self.stage.cluster.nodes.len() {
            let ended = self.stage.cluster.nodes[position].exit_status().unwrap();
            assert_eq!(ended, None, "node {} has ended", position + 1);
            let log = self.stage.log_of(position);
            assert!(!log.contains("panicked"), "node {} panicked: {log}", position + 1);
            let ready = self.stage.cluster.nodes[position].look("/readyz").await;
            assert_eq!(ready.map(|(status, _)| status), Some(200), "node {}", position + 1);
        }
    }

    /// Plays a table, its lines on one node after the other, and makes sure that it has changed nothing.
    ///
    /// ```text
    /// WHO METHOD PATH BODY -> STATUS CODE
    /// ```
    pub(super) async fn refuses(&mut self, table: &str) {
        let seen = self.visible().await;
        let mut nodes: Vec<Connection> = self.stage.addresses().into_iter().map(Connection::to).collect();
        let mut wrong = Vec::new();
        let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
        for (nth, line) in lines.enumerate() {
            let Some((call, expected)) = line.rsplit_once(" -> ") else {
                panic!("no line of a table: {line}")
            };
            let words: Vec<&str> = call.trim().splitn(4, ' ').collect();
            let (method, path) = (Method::from_bytes(words[1].as_bytes()).unwrap(), self.spelled(words[2]));
            let body = words.get(3).map(|body| Bytes::from(self.spelled(body)));
            let node = nth % nodes.len();
            let sent = nodes[node].send(method, &path, self.token_of(words[0]), None, body).await;
            let got = verdict(&sent.unwrap());
            if got != expected.trim() {
                wrong.push(format!("{call} -> {got}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
        self.expect_unharmed(&seen).await;
    }

    /// A call with any head and body, to the first node.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let address = self.stage.address(0);
        let mut request = Request::builder().method(method).uri(path).header("host", &address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Connection::to(address).exchange(request.body(Full::new(body.into())).unwrap()).await.unwrap()
    }

    /// What authorizes the guest.
    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.guest.token)
    }
}

fn guests<const N: usize>(guests: Vec<Guest>) -> [Guest; N] {
    let Ok(guests) = guests.try_into() else { panic!("there are not {N} guests") };
    guests
}

async fn booking_of(guest: &mut Guest, slot: SlotId) -> String {
    let answer = guest.insist(guest.books(slot, 1), Some(&fresh_key())).await;
    let Answer::Booking(booking) = answer else { panic!("{answer:?}") };
    booking.id.0.to_string()
}

/// `STATUS CODE` of a whole and clear problem; otherwise what is wrong with it.
pub(super) fn verdict(reply: &Reply) -> String {
    let content_type = reply.headers.get("content-type").and_then(|value| value.to_str().ok());
    problem_in(reply.status, content_type.unwrap_or_default(), &reply.json)
}

/// As [`verdict`], from the parts of an answer.
pub(super) fn problem_in(status: u16, content_type: &str, json: &Value) -> String {
    let code = json["code"].as_str().unwrap_or_default();
    let is_whole = content_type == "application/problem+json"
        && json["status"].as_u64() == Some(u64::from(status))
        && json["type"] == format!("urn:holdfast:problem:{code}")
        && json["title"].as_str().is_some_and(|title| !title.is_empty())
        && json["detail"].as_str().is_some_and(|detail| !detail.is_empty())
        && json["retryable"] == false
        && !code.is_empty();
    match is_whole {
        true => format!("{status} {code}"),
        false => format!("{status} of {content_type} with {json}"),
    }
}
