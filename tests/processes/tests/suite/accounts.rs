//! Accounts: sessions, bans, roles, apps and guesses, each call at another node, and the verbs that manage them.

mod apps;
mod guesses;
mod sessions;
mod stolen_keys;
mod users;
mod verbs;

use holdfast_cluster::{Connection, Reply};
use holdfast_processes::{Stage, fresh_key};
use hyper::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "down-by-the-lake";

/// Somebody with an account.
struct Person {
    id: u64,
    email: String,
    token: String,
    refresh: String,
}

impl Person {
    async fn arrive(stage: &Stage) -> Self {
        let email = format!("{:016x}@guests.local", rand::random::<u64>());
        let body = json!({"email": email, "password": PASSWORD, "name": "Guest"});
        let signed_up = ask(stage, 0, None, Method::POST, "/auth/signup", Some(body)).await;
        let id = signed_up.json["userId"].as_str().unwrap().parse().unwrap();
        let mut person = Self { id, email, token: String::new(), refresh: String::new() };
        person.log_in(stage, 0).await;
        person
    }

    async fn log_in(&mut self, stage: &Stage, node: usize) {
        let logged_in = log_in(stage, node, &self.email, PASSWORD).await;
        assert_eq!(logged_in.status, 200, "{}", logged_in.json);
        self.keep(&logged_in);
    }

    /// Keeps the tokens of an answer.
    fn keep(&mut self, pair: &Reply) {
        self.token = text(&pair.json, "accessToken");
        self.refresh = text(&pair.json, "refreshToken");
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/users/{}{rest}", self.id)
    }

    /// Calls a node in the person's name.
    async fn ask(
        &self,
        stage: &Stage,
        node: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        ask(stage, node, Some(&self.token), method, path, body).await
    }
}

/// Calls one node, once.
async fn ask(
    stage: &Stage,
    node: usize,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Reply {
    ask_again(stage, node, token, method, path, body, &fresh_key()).await
}

/// Calls one node under a key.
async fn ask_again(
    stage: &Stage,
    node: usize,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: Option<Value>,
    key: &str,
) -> Reply {
    let key = (method != Method::GET).then_some(key);
    let body = body.map(|body| body.to_string().into());
    Connection::to(stage.address(node)).send(method, path, token, key, body).await.unwrap()
}

async fn operate(stage: &Stage, node: usize, method: Method, path: &str, body: Option<Value>) -> Reply {
    ask(stage, node, stage.operator.token.as_deref(), method, path, body).await
}

async fn log_in(stage: &Stage, node: usize, email: &str, password: &str) -> Reply {
    let body = json!({"email": email, "password": password});
    ask(stage, node, None, Method::POST, "/auth/login", Some(body)).await
}

async fn refresh(stage: &Stage, node: usize, token: &str) -> Reply {
    let body = json!({"refreshToken": token});
    ask(stage, node, None, Method::POST, "/auth/refresh", Some(body)).await
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no {name} in {json}")).to_owned()
}

/// Status and code of an answer.
fn seen(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.code())
}
