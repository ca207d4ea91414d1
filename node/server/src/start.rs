//! `holdfast start` and `holdfast dev`: a node from its settings to its end.

use std::time::Duration;

use holdfast_facade::FacadeSettings;
use holdfast_raft::RaftSettings;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{DevArguments, StartArguments};
use crate::exit::Exit;
use crate::folder;
use crate::logging;
use crate::node::{NodeConfig, RunningNode, is_loopback, shown};
use crate::settings::Settings;

/// `EMAIL:PASSWORD` of the operator who can log in to a new cluster.
const FIRST_OPERATOR: &str = "HOLDFAST_BOOTSTRAP_OPERATOR";

/// Runs a node until it is told to stop or cannot go on.
pub(crate) fn run(arguments: StartArguments) -> Result<(), Exit> {
    let flags = [
        ("listen", arguments.listen.clone()),
        ("peer_listen", arguments.peer_listen.clone()),
        ("admin_listen", arguments.admin_listen.clone()),
        ("advertise", arguments.advertise.clone()),
        ("peer_advertise", arguments.peer_advertise.clone()),
    ];
    let settings = Settings::load(arguments.config.as_deref(), std::env::vars(), &flags)?;
    let config = config_from(&arguments, &settings)?;
    logging::start(settings.text("log"))?;
    for variable in &settings.unknown_variables {
        tracing::warn!(variable, "this variable is no setting; `holdfast config show` lists them");
    }
    let _lock = folder::lock(&config.data_dir)?;
    client_runtime()?.block_on(serve(config, arguments.insecure))
}

fn config_from(arguments: &StartArguments, settings: &Settings) -> Result<NodeConfig, Exit> {
    let listens = ["listen", "peer_listen", "admin_listen"];
    if let Some(open) =
        listens.into_iter().find(|name| !is_loopback(settings.text(name)) && !arguments.insecure)
    {
        let address = settings.text(open);
        return Err(Exit::usage(format!(
            "{open} is {address}, which others than this machine can reach, and there is no TLS; if the network is \
             trusted, say --insecure"
        )));
    }
    let first_operator = match std::env::var(FIRST_OPERATOR) {
        Err(_) => None,
        Ok(text) => {
            let (email, password) = text
                .split_once(':')
                .filter(|(email, password)| email.contains('@') && !password.is_empty())
                .ok_or_else(|| Exit::usage(format!("{FIRST_OPERATOR} is EMAIL:PASSWORD")))?;
            Some((email.trim().to_lowercase(), password.to_owned()))
        }
    };
    let snapshot_entries: u64 = settings.parsed("raft.snapshot_entries")?;
    if snapshot_entries == 0 {
        return Err(Exit::usage("the setting raft.snapshot_entries is at least 1"));
    }
    Ok(NodeConfig {
        data_dir: arguments.data_dir.clone(),
        listen: settings.text("listen").to_owned(),
        peer_listen: settings.text("peer_listen").to_owned(),
        admin_listen: settings.text("admin_listen").to_owned(),
        advertise: settings.text("advertise").to_owned(),
        peer_advertise: settings.text("peer_advertise").to_owned(),
        init: arguments.init,
        join: arguments.join.clone(),
        stays_learner: arguments.learner,
        raft: RaftSettings {
            snapshot_entries,
            snapshot_log_bytes: settings.parsed("raft.snapshot_log_bytes")?,
            keep_entries: settings.parsed_unless_empty("raft.keep_entries")?.unwrap_or(snapshot_entries / 10),
            rows_cached: settings.parsed("state.rows_cached")?,
        },
        facade: FacadeSettings {
            access_token_seconds: settings.parsed("auth.access_token_seconds")?,
            deadline: Duration::from_millis(settings.parsed("facade.deadline_ms")?),
            public_url: settings.parsed_unless_empty("public_url")?,
            user_rate: settings.parsed("limits.user_rate")?,
            address_rate: settings.parsed("limits.address_rate")?,
        },
        first_operator,
    })
}

async fn serve(config: NodeConfig, is_insecure: bool) -> Result<(), Exit> {
    let data_dir = config.data_dir.clone();
    let node = tokio::select! {
        node = RunningNode::start(config) => node?,
        name = told_to_stop() => {
            tracing::info!(signal = name, "stopped while starting");
            return Ok(());
        }
    };
    let identity = node.replica.identity();
    eprintln!(
        "holdfast {version}: node {id} of cluster {cluster}\n  clients  http://{listen}\n  peers    {peer}\n  admin    \
         http://{admin}\n  data     {data}",
        version = env!("CARGO_PKG_VERSION"),
        id = identity.node,
        cluster = identity.cluster,
        listen = node.listen,
        peer = node.peer,
        admin = node.admin,
        data = shown(&data_dir),
    );
    if is_insecure {
        eprintln!("  INSECURE: no TLS; everybody on the network can read what is sent");
    }
    let failed = tokio::select! {
        reason = node.replica.failed() => Some(reason),
        name = told_to_stop() => {
            tracing::info!(signal = name, "stopping");
            None
        }
    };
    match failed {
        // Nothing that is still in memory may be trusted, and nothing is tried again: the log decides at the next start.
        Some(reason) => Err(Exit::other(format!("node {} cannot go on: {reason}", identity.node))),
        None => {
            node.stop().await;
            Ok(())
        }
    }
}

/// Runs one node in a temporary folder until it is told to stop.
#[expect(clippy::print_stdout, reason = "where to connect is what this verb gives")]
pub(crate) fn run_dev(arguments: DevArguments) -> Result<(), Exit> {
    logging::start("warn")?;
    if !is_loopback(&arguments.listen) {
        return Err(Exit::usage("holdfast dev listens on loopback only; use holdfast start --insecure"));
    }
    let folder = tempfile::tempdir().map_err(Exit::other)?;
    let password = format!("{:08x}", rand::random::<u32>());
    let config = NodeConfig {
        data_dir: folder.path().to_owned(),
        listen: arguments.listen,
        peer_listen: "127.0.0.1:0".to_owned(),
        admin_listen: "127.0.0.1:0".to_owned(),
        advertise: String::new(),
        peer_advertise: String::new(),
        init: true,
        join: Vec::new(),
        stays_learner: false,
        raft: RaftSettings::default(),
        facade: FacadeSettings::default(),
        first_operator: Some(("dev@localhost".to_owned(), password.clone())),
    };
    client_runtime()?.block_on(async move {
        let node = RunningNode::start(config).await?;
        println!("clients   http://{}", node.listen);
        println!("admin     http://{}", node.admin);
        println!("operator  dev@localhost, password {password}");
        println!(
            "log in    curl -s http://{}/auth/login -H 'content-type: application/json' \\",
            node.listen
        );
        println!("            -d '{{\"email\":\"dev@localhost\",\"password\":\"{password}\"}}'");
        println!("Everything is forgotten when this ends (Ctrl-C).");
        tokio::select! {
            reason = node.replica.failed() => return Err(Exit::other(reason)),
            _ = told_to_stop() => (),
        }
        node.stop().await;
        Ok(())
    })
}

fn client_runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("clients")
        .enable_all()
        .build()
        .map_err(Exit::other)
}

async fn told_to_stop() -> &'static str {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
