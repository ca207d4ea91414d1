//! How a process starts or says why not: exit codes, and messages that name what to do.

use std::path::Path;
use std::time::Duration;

use holdfast_processes::{Ended, Program, Stage, beside, until};
use tempfile::TempDir;

/// A process that is not going to run has said so by then.
const END_DURATION_MAX: Duration = Duration::from_secs(10);

const PORTS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// Runs `holdfast` until it ends. `$dir` is a folder of its own.
async fn run(dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let spelled: Vec<String> =
        arguments.iter().map(|argument| argument.replace("$dir", &dir.display().to_string())).collect();
    let spelled: Vec<&str> = spelled.iter().map(String::as_str).collect();
    Program::start(&spelled, environment).ended(END_DURATION_MAX).await
}

/// Makes sure that it ended so, and said each of the words, and nothing that only programmers understand.
fn expect(what: &str, ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{what}: {}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{what}: no {word} in: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{what}: {}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_flags_are_named() {
    let _machine = beside().await;
    let dir = TempDir::new().unwrap();
    let start = ["start", "--data-dir", "$dir/data"];
    let cases: [(&str, &[&str], i32, &[&str]); 10] = [
        ("nothing", &[], 2, &["Usage"]),
        ("no such verb", &["fly"], 2, &["fly"]),
        ("no folder", &["start"], 2, &["--data-dir"]),
        ("no such flag", &["--quorum", "1"], 2, &["--quorum"]),
        ("an empty folder", &PORTS, 2, &["--init", "--join"]),
        ("clients beyond loopback", &["--init", "--listen", "0.0.0.0:0"], 2, &["--insecure", "0.0.0.0:0"]),
        (
            "tools beyond loopback",
            &["--init", "--admin-listen", "[::]:0"],
            2,
            &["--insecure", "admin_listen"],
        ),
        ("no file of settings", &["--init", "--config", "$dir/no.toml"], 2, &["no.toml"]),
        ("no address", &["--init", "--listen", "127.0.0.1:notaport"], 2, &["127.0.0.1:notaport"]),
        ("a version", &["--version"], 0, &[]),
    ];
    for (what, flags, code, words) in cases {
        let is_start = !matches!(what, "nothing" | "no such verb" | "no folder" | "a version");
        let arguments = [if is_start { &start[..] } else { &[] }, flags].concat();
        expect(what, &run(dir.path(), &arguments, &[]).await, code, words);
    }
    for help in [&["--help"][..], &["start", "--help"], &["cluster", "status", "--help"]] {
        let ended = run(dir.path(), help, &[]).await;
        assert!(ended.code == Some(0) && ended.stdout.contains("Usage"), "{help:?}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named() {
    let _machine = beside().await;
    let dir = TempDir::new().unwrap();
    let from_environment: [(&str, &str, &[&str]); 6] = [
        ("HOLDFAST_RAFT_SNAPSHOT_ENTRIES", "many", &["raft.snapshot_entries", "many"]),
        ("HOLDFAST_RAFT_SNAPSHOT_ENTRIES", "0", &["raft.snapshot_entries"]),
        ("HOLDFAST_AUTH_ACCESS_TOKEN_SECONDS", "-1", &["auth.access_token_seconds", "-1"]),
        ("HOLDFAST_FACADE_DEADLINE_MS", "", &["facade.deadline_ms"]),
        ("HOLDFAST_LIMITS_USER_RATE", "4294967296", &["limits.user_rate"]),
        ("HOLDFAST_BOOTSTRAP_OPERATOR", "somebody", &["HOLDFAST_BOOTSTRAP_OPERATOR", "EMAIL:PASSWORD"]),
    ];
    let start = [&["start", "--init", "--data-dir", "$dir/data"][..], &PORTS].concat();
    for (name, value, words) in from_environment {
        expect(name, &run(dir.path(), &start, &[(name, value)]).await, 2, words);
    }
    let from_file: [(&str, &[&str]); 3] = [
        ("[raft]\nsnapshot_entrys = 5\n", &["settings.toml", "raft.snapshot_entrys", "config show"]),
        ("[raft\n", &["settings.toml", "line 1"]),
        ("[raft]\nsnapshot_entries = \"x\"\n", &["raft.snapshot_entries", "x"]),
    ];
    let start = [&start[..], &["--config", "$dir/settings.toml"]].concat();
    for (text, words) in from_file {
        std::fs::write(dir.path().join("settings.toml"), text).unwrap();
        expect(text, &run(dir.path(), &start, &[]).await, 2, words);
    }
    assert!(!dir.path().join("data").exists(), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_used_by_one_process_and_a_port_too() {
    let _machine = beside().await;
    let mut stage = Stage::start(1).await;
    let node = &stage.cluster.nodes[0];
    let data_dir = node.data_dir.display().to_string();
    let second = run(stage.dir(), &[&["start", "--data-dir", &data_dir][..], &PORTS].concat(), &[]).await;
    expect("a second process", &second, 1, &["in use", &data_dir]);

    let taken = node.addresses.unwrap().listen.to_string();
    let other = stage.dir().join("other").display().to_string();
    let start = ["start", "--init", "--data-dir", &other, "--listen", &taken, "--peer-listen", "127.0.0.1:0"];
    let second = run(stage.dir(), &[&start[..], &["--admin-listen", "127.0.0.1:0"]].concat(), &[]).await;
    expect("a port in use", &second, 1, &["cannot listen", &taken]);

    let file = stage.dir().join("file");
    std::fs::write(&file, "").unwrap();
    let folder = file.display().to_string();
    let start = [&["start", "--init", "--data-dir", &folder][..], &PORTS].concat();
    expect("a file", &run(stage.dir(), &start, &[]).await, 1, &["file"]);
    assert_eq!(stage.cluster.nodes[0].exit_status().unwrap(), None, "the first process goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_variable_is_a_warning_and_a_signal_ends_well() {
    let _machine = beside().await;
    let dir = TempDir::new().unwrap();
    let data_dir = dir.path().join("data");
    let folder = data_dir.display().to_string();
    let start = [&["start", "--init", "--data-dir", &folder][..], &PORTS].concat();
    for _ in 0..2 {
        let program = Program::start(&start, &[("HOLDFAST_NONSENSE", "1")]);
        ready(&data_dir).await;
        let ended = program.stopped(END_DURATION_MAX).await;
        expect("SIGTERM", &ended, 0, &["HOLDFAST_NONSENSE", "holdfast config show", "node 1 of cluster"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_waits_to_join_can_be_stopped() {
    let _machine = beside().await;
    let dir = TempDir::new().unwrap();
    let data_dir = dir.path().join("data");
    let folder = data_dir.display().to_string();
    let start = [&["start", "--data-dir", &folder, "--join", "127.0.0.1:1"][..], &PORTS].concat();
    let program = Program::start(&start, &[]);
    until("it has begun", END_DURATION_MAX, async || data_dir.join("identity").exists().then_some(())).await;
    expect("SIGTERM", &program.stopped(END_DURATION_MAX).await, 0, &["waiting to be let in", "127.0.0.1:1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_verbs_say_how_it_went() {
    let _machine = beside().await;
    let mut stage = Stage::start(1).await;
    let (address, token) = (stage.address(0), stage.operator.token.clone().unwrap());
    let status = ["cluster", "status", "-o", "json", "--endpoints"];
    let with_token = [("HOLDFAST_TOKEN", token.as_str())];
    let shown = run(stage.dir(), &[&status[..], &[&address]].concat(), &with_token).await;
    expect("a healthy cluster", &shown, 0, &[]);
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let known = stage.operator.get("/v1/cluster").await.unwrap();
    assert_eq!((&shown["leader"], &shown["clusterId"]), (&known["leader"], &known["clusterId"]));
    assert_eq!(shown["nodes"].as_array().map(Vec::len), Some(1));

    let nobody = run(stage.dir(), &[&status[..], &[&address]].concat(), &[]).await;
    expect("nobody asks", &nobody, 2, &["HOLDFAST_TOKEN"]);
    let forged = run(stage.dir(), &[&status[..], &[&address]].concat(), &[("HOLDFAST_TOKEN", "x")]).await;
    expect("somebody else asks", &forged, 6, &["401"]);
    stage.cluster.kill(0).await.unwrap();
    let gone = run(stage.dir(), &[&status[..], &[&address]].concat(), &with_token).await;
    expect("nobody answers", &gone, 3, &["cannot connect", &address]);
}

/// Waits until the node of a folder serves.
async fn ready(data_dir: &Path) {
    until("the node serves", END_DURATION_MAX, async || {
        let text = std::fs::read_to_string(data_dir.join("addresses.json")).ok()?;
        let addresses: serde_json::Value = serde_json::from_str(&text).ok()?;
        let mut node = holdfast_cluster::Connection::to(addresses["listen"].as_str()?);
        let reply = node.send(hyper::Method::GET, "/readyz", None, None, None).await.ok()?;
        (reply.status == 200).then_some(())
    })
    .await;
}
