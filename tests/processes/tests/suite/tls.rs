//! TLS for clients, and what changes under it while they are connected: certificates, and the keys of nodes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use holdfast_cluster::Api;
use holdfast_processes::{
    Load, Park, Program, Recorder, Stage, alone, arrive_app, beside, judge, read_end, until,
};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

const PATIENCE: Duration = Duration::from_secs(20);

/// A node that speaks TLS, and its authority.
struct Scene {
    dir: TempDir,
    _node: Program,
    /// For clients, and for operators' tools.
    address: String,
    admin: String,
}

impl Scene {
    async fn start() -> Self {
        let dir = TempDir::with_prefix("holdfast-tls-").unwrap();
        certificate(dir.path(), "first").await;
        install(dir.path(), "first");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (data_dir, cert, key) = (path("data"), path("shown.pem"), path("shown.key"));
        let mut arguments =
            vec!["start", "--init", "--data-dir", &data_dir, "--tls-cert", &cert, "--tls-key", &key];
        for port in ["--listen", "--peer-listen", "--admin-listen"] {
            arguments.extend([port, "127.0.0.1:0"]);
        }
        let node = Program::start(&arguments, &[]);
        let addresses = until("it listens", PATIENCE, async || {
            let text = std::fs::read(dir.path().join("data/addresses.json")).ok()?;
            serde_json::from_slice::<Value>(&text).ok()
        })
        .await;
        let of = |name: &str| addresses[name].as_str().unwrap().to_owned();
        let (address, admin) = (of("listen"), of("admin"));
        let scene = Self { dir, _node: node, address, admin };
        until("it serves", PATIENCE, async || {
            let mut stream = scene.connect(&scene.address).await.ok()?;
            (get(&mut stream, "/readyz").await.starts_with("HTTP/1.1 200")).then_some(())
        })
        .await;
        scene
    }

    async fn connect(&self, address: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(pem(&self.dir.path().join("ca.pem"))).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
    }

    /// The certificate that somebody is shown who connects now.
    async fn shown(&self) -> CertificateDer<'static> {
        let stream = self.connect(&self.address).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    fn made(&self, name: &str) -> CertificateDer<'static> {
        pem(&self.dir.path().join(format!("{name}.pem")))
    }

    async fn figure(&self, name: &str) -> f64 {
        // On the machine itself it is plain.
        let mut stream = TcpStream::connect(&self.admin).await.unwrap();
        let text = get(&mut stream, "/metrics").await;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }
}

fn pem(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// Makes a certificate with the verb for that.
async fn certificate(dir: &Path, name: &str) {
    let out = dir.display().to_string();
    let made = ["cert", "new", "--host", "127.0.0.1", "--out", &out, "--name", name];
    let ended = Program::start(&made, &[]).ended(PATIENCE).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// Puts a certificate where the node looks, the key first, as renewals do.
fn install(dir: &Path, name: &str) {
    for kind in ["key", "pem"] {
        let made: PathBuf = dir.join(format!("{name}.{kind}"));
        let copy = dir.join("copy");
        std::fs::copy(made, &copy).unwrap();
        std::fs::rename(copy, dir.join(format!("shown.{kind}"))).unwrap();
    }
}

/// One call on a connection that stays open; its whole answer.
async fn get(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> String {
    exchange(stream, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
}

async fn post(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str, body: &Value) -> String {
    let (body, kind) = (body.to_string(), "content-type: application/json");
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{kind}\r\ncontent-length: {length}\r\n\r\n");
    exchange(stream, &(head + &body)).await
}

async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), call: &str) -> String {
    stream.write_all(call.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| length.parse() == Ok(body.len())) {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection ended: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_newcomers_and_ends_no_connection() {
    let _machine = beside().await;
    let scene = Scene::start().await;
    let mut connected = scene.connect(&scene.address).await.unwrap();
    assert!(get(&mut connected, "/livez").await.starts_with("HTTP/1.1 200"));
    assert_eq!(scene.shown().await, scene.made("first"));
    assert!(scene.figure("holdfast_tls_certificate_expires_at_seconds").await > 1e9);

    certificate(scene.dir.path(), "second").await;
    install(scene.dir.path(), "second");
    let second = scene.made("second");
    until("the new one is shown", PATIENCE, async || (scene.shown().await == second).then_some(())).await;
    assert!(get(&mut connected, "/livez").await.starts_with("HTTP/1.1 200"), "it is the same connection");

    // One that is of no use changes nothing; the one after it is taken again.
    std::fs::write(scene.dir.path().join("shown.pem"), "nonsense").unwrap();
    assert_eq!(scene.shown().await, second);
    certificate(scene.dir.path(), "third").await;
    install(scene.dir.path(), "third");
    let third = scene.made("third");
    until("the next one is shown", PATIENCE, async || {
        let shown = scene.shown().await;
        assert!(shown == second || shown == third);
        (shown == third).then_some(())
    })
    .await;
    assert!(get(&mut connected, "/livez").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_speak_tls_to_whom_they_trust() {
    let _machine = beside().await;
    let scene = Scene::start().await;
    let (endpoint, ca) =
        (format!("https://{}", scene.address), scene.dir.path().join("ca.pem").display().to_string());
    let status = ["cluster", "status", "--endpoints", &endpoint];
    let nobody = [("HOLDFAST_TOKEN", "nobody")];
    let trusted = Program::start(&[&status[..], &["--ca", &ca]].concat(), &nobody).ended(PATIENCE).await;
    assert!(trusted.code == Some(6) && trusted.stderr.contains("401"), "{}", trusted.stderr);
    let stranger = Program::start(&status, &nobody).ended(PATIENCE).await;
    assert!(stranger.code == Some(3) && stranger.stderr.contains("certificate"), "{}", stranger.stderr);

    // Without the word for it he is told the word.
    let mut plain = TcpStream::connect(&scene.address).await.unwrap();
    let told = get(&mut plain, "/livez").await;
    assert!(told.starts_with("HTTP/1.1 400") && told.contains("https://"), "{told}");
    let status = ["cluster", "status", "--endpoints", &scene.address];
    let plain = Program::start(&status, &nobody).ended(PATIENCE).await;
    assert!(plain.code == Some(6) && plain.stderr.contains("https://"), "{}", plain.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_operator_is_made_where_clients_speak_tls() {
    let _machine = beside().await;
    let scene = Scene::start().await;
    let data_dir = scene.dir.path().join("data").display().to_string();
    let create = ["user", "create-operator", "olga@example.com", "--data-dir", &data_dir];
    let password = [("HOLDFAST_PASSWORD", "down-by-the-lake")];
    let made = Program::start(&create, &password).ended(PATIENCE).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let mut stream = scene.connect(&scene.address).await.unwrap();
    let body = json!({"email": "olga@example.com", "password": "down-by-the-lake"});
    let logged_in = post(&mut stream, "/auth/login", &body).await;
    assert!(logged_in.starts_with("HTTP/1.1 200"), "{logged_in}");
    let pair: Value = serde_json::from_str(logged_in.split_once("\r\n\r\n").unwrap().1).unwrap();
    let (endpoint, ca) =
        (format!("https://{}", scene.address), scene.dir.path().join("ca.pem").display().to_string());
    let token = [("HOLDFAST_TOKEN", pair["accessToken"].as_str().unwrap())];
    let list = ["user", "list", "--endpoints", &endpoint, "--ca", &ca];
    let listed = Program::start(&list, &token).ended(PATIENCE).await;
    assert!(listed.code == Some(0) && listed.stdout.contains("olga@example.com"), "{}", listed.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_is_named_at_start() {
    let _machine = beside().await;
    let dir = TempDir::new().unwrap();
    certificate(dir.path(), "one").await;
    certificate(dir.path(), "two").await;
    let path = |name: &str| dir.path().join(name).display().to_string();
    let data_dir = path("data");
    let start = [
        "start",
        "--init",
        "--data-dir",
        &data_dir,
        "--listen",
        "127.0.0.1:0",
        "--peer-listen",
        "127.0.0.1:0",
    ];
    let cases = [
        ("one.pem", "two.key", 0o600, "is not the key of the certificate"),
        ("one.pem", "one.key", 0o644, "chmod 600"),
        ("one.key", "one.key", 0o600, "holds no certificate"),
        ("gone.pem", "one.key", 0o600, "gone.pem"),
    ];
    for (cert, key, mode, words) in cases {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path(key), std::fs::Permissions::from_mode(mode)).unwrap();
        let (cert, key) = (path(cert), path(key));
        let flags = ["--admin-listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key];
        let ended = Program::start(&[&start[..], &flags].concat(), &[]).ended(PATIENCE).await;
        assert!(ended.code == Some(2) && ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    let flags = ["--admin-listen", "127.0.0.1:0", "--tls-cert", &path("one.pem")];
    let ended = Program::start(&[&start[..], &flags].concat(), &[]).ended(PATIENCE).await;
    assert!(ended.code == Some(2) && ended.stderr.contains("--tls-key"), "{}", ended.stderr);
}

/// Asks a node for another key, once all nodes are heard of.
async fn rotate(operator: &Api, id: u64) -> Value {
    until("the key is changed", PATIENCE, async || {
        let path = format!("/v1/cluster/nodes/{id}/rotate-key");
        let reply = operator.call(Method::POST, &path, Some(json!({}))).await.ok()?;
        assert!(
            reply.status == 200 || matches!(reply.code(), "nodes_away" | "no_quorum"),
            "{:?}",
            reply.json
        );
        (reply.status == 200).then_some(reply.json)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_change_their_keys_under_load_and_no_token_is_lost() {
    let _machine = alone().await;
    let mut stage = Stage::start(3).await;
    let recorder = Recorder::default();
    let slots = Park::open(&stage.operator).await.slots(&stage.operator, &[1_000_000; 4]).await;
    let app = arrive_app(&stage, &recorder).await;
    let load = Load::start(&stage, &app, &recorder, &slots, &[app.user]);
    let mut ids = Vec::new();
    for (position, address) in (0..).zip(stage.addresses()) {
        let (_, ready) = stage.cluster.nodes[position].look("/readyz").await.unwrap();
        let id = ready["node"].as_u64().unwrap();
        let at_node = Api { endpoints: vec![address], token: stage.operator.token.clone() };
        assert_eq!(rotate(&at_node, id).await["kid"], format!("{id}-2"));
        ids.push(id);
    }
    load.end().await;
    // Each comes back with its new key, and takes what any old one has signed.
    for position in 0..3 {
        stage.cluster.kill(position).await.unwrap();
        stage.restart(position).await;
    }
    let keys = stage.operator.get("/v1/keys").await.unwrap();
    let known = |kid: String| keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid);
    for id in ids {
        assert!(known(format!("{id}-1")) && known(format!("{id}-2")), "{keys}");
    }
    stage.digest().await;
    let end = read_end(&stage, &slots).await;
    judge(&stage, recorder.take(), end);
}
