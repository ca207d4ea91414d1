//! Clients over HTTP: each attempt is recorded, and they ask again, elsewhere, until they know.

use std::time::{Duration, Instant};

use bytes::Bytes;
use holdfast_cluster::{Api, Connection};
use holdfast_model::{Answer, Call, Request, UserId};
use hyper::Method;
use serde_json::json;

use crate::answers::answer_in;
use crate::recorder::Recorder;
use crate::stage::Stage;

const PASSWORD: &str = "down-by-the-lake";

/// Without a definite answer by then, something is wrong with the cluster.
const PATIENCE_DURATION: Duration = Duration::from_secs(30);

/// Between two attempts.
const PAUSE_DURATION: Duration = Duration::from_millis(20);

/// Somebody who is signed in, with a connection of his own to each node.
pub struct Guest {
    /// Who.
    pub user: UserId,
    /// The access token.
    pub token: String,
    /// The nodes, by position.
    addresses: Vec<String>,
    connections: Vec<Connection>,
    recorder: Recorder,
}

/// Signs up so many guests, and logs them in. Each node takes its share: passwords are what takes time.
pub async fn arrive(stage: &Stage, recorder: &Recorder, count: usize) -> Vec<Guest> {
    let addresses = stage.addresses();
    let shares = (0..addresses.len()).map(|node| {
        let (addresses, recorder) = (addresses.clone(), recorder.clone());
        let share = (node..count).step_by(addresses.len()).count();
        tokio::spawn(async move {
            let api = Api { endpoints: vec![addresses[node].clone()], token: None };
            let mut guests = Vec::with_capacity(share);
            for _ in 0..share {
                guests.push(Guest::arrive(api.clone(), &addresses, &recorder).await);
            }
            guests
        })
    });
    let shares: Vec<_> = shares.collect();
    let mut guests = Vec::with_capacity(count);
    for share in shares {
        guests.extend(share.await.unwrap());
    }
    guests
}

/// Signs up an app server that books for others: unlike a guest it never runs out of request keys.
pub async fn arrive_app(stage: &Stage, recorder: &Recorder) -> Guest {
    let app = Guest::arrive(stage.cluster.api(), &stage.addresses(), recorder).await;
    give_role(stage, app.user, "app").await;
    app
}

/// Gives somebody another role.
pub async fn give_role(stage: &Stage, user: UserId, role: &str) {
    let path = format!("/v1/users/{}/role", user.0);
    stage.operator.call(Method::PUT, &path, Some(json!({"role": role}))).await.unwrap().success().unwrap();
}

/// A key that no other call has.
#[must_use]
pub fn fresh_key() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Guest {
    async fn arrive(mut api: Api, addresses: &[String], recorder: &Recorder) -> Self {
        let email = format!("{:016x}@guests.local", rand::random::<u64>());
        let body = json!({"email": email, "password": PASSWORD, "name": "Guest"});
        let answer = api.post("/auth/signup", body).await.unwrap();
        api.log_in(&email, PASSWORD).await.unwrap();
        let user = UserId(answer["userId"].as_str().unwrap().parse().unwrap());
        Self::new(user, api.token.unwrap(), addresses.to_vec(), recorder.clone())
    }

    fn new(user: UserId, token: String, addresses: Vec<String>, recorder: Recorder) -> Self {
        let connections = addresses.iter().map(Connection::to).collect();
        Self { user, token, addresses, connections, recorder }
    }

    /// The same user with connections of his own: another phone, another worker of an app.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::new(self.user, self.token.clone(), self.addresses.clone(), self.recorder.clone())
    }

    /// As [`Guest::another`], at other nodes.
    #[must_use]
    pub fn at(&self, addresses: Vec<String>) -> Self {
        Self::new(self.user, self.token.clone(), addresses, self.recorder.clone())
    }

    /// A booking for the guest himself.
    #[must_use]
    pub fn books(&self, slot: holdfast_model::SlotId, count: u32) -> Request {
        Request::Book { slot, count, owner: self.user }
    }

    /// Calls an API of the guest's own, recorded nowhere.
    #[must_use]
    pub fn api(&self) -> Api {
        Api { endpoints: self.addresses.clone(), token: Some(self.token.clone()) }
    }

    /// Makes one attempt at a node.
    pub async fn attempt(&mut self, node: usize, request: Request, key: Option<&str>) -> Answer {
        let (method, path, body) = self.spell(request);
        let invoked_at = self.recorder.invoke();
        let sent = self.connections[node].send(method, &path, Some(&self.token), key, body).await;
        let answer = answer_in(request, &sent);
        let is_definite = !matches!(answer, Answer::NotDone(_) | Answer::Unknown);
        let index = sent.ok().and_then(|reply| reply.index).filter(|_| is_definite);
        self.recorder.record(Call {
            invoked_at,
            answered_at: self.recorder.now(),
            user: self.user,
            node: Some(node + 1),
            key: key.map(str::to_owned),
            request,
            answer: answer.clone(),
            index,
        });
        answer
    }

    /// Asks until there is a definite answer, first at any node, then at the next.
    pub async fn insist(&mut self, request: Request, key: Option<&str>) -> Answer {
        self.insist_from(rand::random_range(0..self.addresses.len()), request, key).await
    }

    /// Asks until there is a definite answer, first at a node, then at the next.
    ///
    /// # Panics
    ///
    /// When there is none in time.
    pub async fn insist_from(&mut self, node: usize, request: Request, key: Option<&str>) -> Answer {
        let started_at = Instant::now();
        for node in (0..self.addresses.len()).cycle().skip(node) {
            let answer = self.attempt(node, request, key).await;
            if !matches!(answer, Answer::NotDone(_) | Answer::Unknown) {
                return answer;
            }
            assert!(started_at.elapsed() < PATIENCE_DURATION, "{request:?} still gets {answer:?}");
            tokio::time::sleep(PAUSE_DURATION).await;
        }
        Answer::Unknown
    }

    fn spell(&self, request: Request) -> (Method, String, Option<Bytes>) {
        match request {
            Request::Book { slot, count, owner } => {
                let body = match owner == self.user {
                    true => json!({"slotId": slot.0, "count": count}),
                    false => json!({"slotId": slot.0, "count": count, "userId": owner.0}),
                };
                (Method::POST, "/v1/bookings".to_owned(), Some(body.to_string().into()))
            }
            Request::Modify { booking, slot, count } => {
                let mut body = serde_json::Map::new();
                body.extend(slot.map(|slot| ("slotId".to_owned(), slot.0.into())));
                body.extend(count.map(|count| ("count".to_owned(), count.into())));
                let body = serde_json::Value::Object(body).to_string().into();
                (Method::PATCH, format!("/v1/bookings/{}", booking.0), Some(body))
            }
            Request::CheckIn(booking) => (Method::POST, format!("/v1/bookings/{}/check-in", booking.0), None),
            Request::Cancel(booking) => (Method::POST, format!("/v1/bookings/{}/cancel", booking.0), None),
            Request::Get(booking) => (Method::GET, format!("/v1/bookings/{}", booking.0), None),
            Request::Look(slot) => (Method::GET, format!("/v1/slots/{}", slot.0), None),
            Request::List(slot) => (Method::GET, format!("/v1/bookings?slotId={}&limit=200", slot.0), None),
        }
    }
}
