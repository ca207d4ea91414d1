//! `holdfast user` and `holdfast app`, and the first operator of a cluster that was founded without one.

use std::time::Duration;

use holdfast_cluster::Api;
use holdfast_processes::{Ended, Program, Stage, beside, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::PASSWORD;

const END_DURATION_MAX: Duration = Duration::from_secs(20);

/// Somebody who runs verbs.
struct Operator {
    endpoints: String,
    token: String,
}

impl Operator {
    async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[]).await
    }

    async fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
        let mut environment =
            vec![("HOLDFAST_ENDPOINTS", self.endpoints.as_str()), ("HOLDFAST_TOKEN", &self.token)];
        environment.extend(more);
        Program::start(arguments, &environment).ended(END_DURATION_MAX).await
    }

    /// What a verb gives as JSON.
    async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["-o", "json"]].concat()).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    async fn refused(&self, arguments: &[&str], code: i32, word: &str) {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_manage_users_and_apps() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let operator =
        Operator { endpoints: stage.addresses().join(","), token: stage.operator.token.clone().unwrap() };
    let password = [("HOLDFAST_PASSWORD", PASSWORD)];
    let create = ["user", "create", "mia@example.com", "--name", "Mia", "-o", "json"];
    let made = operator.run_with(&create, &password).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let mia: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!((&mia["name"], &mia["role"], &mia["banned"]), (&json!("Mia"), &json!("guest"), &json!(null)));
    let id = mia["id"].to_string();
    assert_eq!(operator.json(&["user", "show", &id]).await, mia);
    assert_eq!(operator.json(&["user", "show", "mia@example.com"]).await, mia);
    let table = operator.run(&["user", "list", "--limit", "1"]).await.stdout;
    assert!(
        table.starts_with("ID") && table.contains("mia@example.com") && table.lines().count() == 2,
        "{table}"
    );
    operator.refused(&create[..5], 2, "HOLDFAST_PASSWORD").await;
    operator.refused(&["user", "create", "mia@example.com", "--without-password"], 6, "email_taken").await;

    let staff = operator.json(&["user", "set-role", &id, "staff"]).await;
    assert_eq!(staff["role"], "staff");
    let banned = operator.json(&["user", "ban", "mia@example.com", "--reason", "fraud"]).await;
    assert_eq!(banned["banned"]["reason"], "fraud");
    let mut api = stage.cluster.api();
    assert!(api.log_in("mia@example.com", PASSWORD).await.unwrap_err().to_string().contains("banned"));
    assert_eq!(operator.json(&["user", "unban", &id]).await["banned"], json!(null));
    api.log_in("mia@example.com", PASSWORD).await.unwrap();
    let own = Operator { endpoints: operator.endpoints.clone(), token: api.token.clone().unwrap() };
    let change = [("HOLDFAST_OLD_PASSWORD", PASSWORD), ("HOLDFAST_PASSWORD", "by the new lake")];
    own.refused(&["user", "set-password", "tom@example.com", "--own"], 6, "signed in as").await;
    let changed = own.run_with(&["user", "set-password", "mia@example.com", "--own"], &change).await;
    assert_eq!(changed.code, Some(0), "{}", changed.stderr);
    api.log_in("mia@example.com", "by the new lake").await.unwrap();
    let reset = operator.run_with(&["user", "set-password", "mia@example.com"], &password).await;
    assert_eq!(reset.code, Some(0), "{}", reset.stderr);
    api.log_in("mia@example.com", PASSWORD).await.unwrap();
    operator.refused(&["user", "show", "tom@example.com"], 6, "tom@example.com").await;
    operator.refused(&["user", "set-role", "operator@holdfast.local", "guest"], 6, "last_operator").await;
    own.refused(&["user", "list"], 6, "401").await;
    let second = operator.run_with(&["user", "create-operator", "olga@example.com"], &password).await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    operator.json(&["user", "set-role", "operator@holdfast.local", "operator"]).await;

    apps(&stage, &operator).await;
}

async fn apps(stage: &Stage, operator: &Operator) {
    let made = operator.json(&["app", "create", "shop"]).await;
    let app = made["id"].to_string();
    let works = async |secret: &Value| {
        let token = secret.as_str().map(str::to_owned);
        let api = Api { endpoints: stage.addresses(), token };
        api.get("/v1/venues").await.is_ok()
    };
    assert!(works(&made["secret"]).await);
    let rotated = operator.json(&["app", "rotate", &app]).await;
    assert!(works(&made["secret"]).await && works(&rotated["secret"]).await);
    let table = operator.run(&["app", "list"]).await.stdout;
    assert!(table.contains("shop") && table.contains("1,2") && !table.contains("hfa_"), "{table}");
    operator.json(&["app", "revoke", &app, "1"]).await;
    assert!(!works(&made["secret"]).await && works(&rotated["secret"]).await);
    operator.refused(&["app", "revoke", &app, "1"], 6, "secret_not_found").await;
    operator.json(&["app", "delete", &app]).await;
    assert!(!works(&rotated["secret"]).await);
    operator.refused(&["app", "rotate", &app], 6, "app_not_found").await;
    assert_eq!(operator.json(&["app", "list"]).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_made_by_who_can_read_a_nodes_folder() {
    let _machine = beside().await;
    let dir = TempDir::new().unwrap();
    let data_dir = dir.path().join("data").display().to_string();
    let ports = ["--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let start = [&["start", "--init", "--data-dir", &data_dir][..], &ports].concat();
    let node = Program::start(&start, &[]);
    let create = ["user", "create-operator", "olga@example.com", "--data-dir", &data_dir];
    let password = [("HOLDFAST_PASSWORD", PASSWORD)];
    until("the node serves", END_DURATION_MAX, async || {
        let ended = Program::start(&create, &password).ended(END_DURATION_MAX).await;
        assert!(matches!(ended.code, Some(0 | 2 | 3 | 7)), "{ended:?}");
        (ended.code == Some(0)).then_some(())
    })
    .await;
    let addresses = std::fs::read_to_string(dir.path().join("data/addresses.json")).unwrap();
    let addresses: Value = serde_json::from_str(&addresses).unwrap();
    let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
    let mut api = Api { endpoints: vec![address("listen")], token: None };
    api.log_in("olga@example.com", PASSWORD).await.unwrap();
    assert!(api.get("/v1/users").await.is_ok(), "she operates the cluster");

    let again = Program::start(&create, &password).ended(END_DURATION_MAX).await;
    assert_eq!((again.code, again.stderr.contains("operator_exists")), (Some(6), true), "{}", again.stderr);
    let body = json!({"email": "x@example.com", "name": "X", "password": PASSWORD});
    for token in [None, Some("guessed".to_owned()), api.token.clone()] {
        let stranger = Api { endpoints: vec![address("admin")], token };
        let refused = stranger.post("/first-operator", body.clone()).await.unwrap_err();
        assert!(refused.to_string().contains("unauthenticated"), "{refused}");
    }
    let client_port = Api { endpoints: vec![address("listen")], token: None };
    let refused = client_port.post("/first-operator", body).await.unwrap_err();
    assert!(refused.to_string().contains("no_such_path"), "{refused}");
    node.stopped(END_DURATION_MAX).await;
}
