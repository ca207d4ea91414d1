//! `holdfast start` and `holdfast dev`: a node from its settings to its end.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use holdfast_facade::FacadeSettings;
use holdfast_raft::net::{CertificateFiles, is_address, is_loopback};
use holdfast_raft::{JoinTokenSource, RaftSettings, Removed};
use tokio::runtime::Handle;

use crate::addresses;
use crate::arguments::{DevArguments, StartArguments};
use crate::exit::Exit;
use crate::folder;
use crate::logging;
use crate::node::{NodeConfig, RunningNode, shown};
use crate::notifications;
use crate::runtimes;
use crate::settings::{self, Settings};
use crate::signals::StopSignals;
use crate::threads;

/// `EMAIL:PASSWORD` of the operator who can log in to a new cluster.
const FIRST_OPERATOR: &str = "HOLDFAST_BOOTSTRAP_OPERATOR";

/// Work on the disk that was begun has this long to end.
const THREADS_DURATION_MAX: Duration = Duration::from_secs(5);

/// Runs a node until it is told to stop or cannot go on.
pub(crate) fn run(arguments: StartArguments) -> Result<(), Exit> {
    let flags = [
        ("listen", arguments.listen.clone()),
        ("peer_listen", arguments.peer_listen.clone()),
        ("admin_listen", arguments.admin_listen.clone()),
        ("advertise", arguments.advertise.clone()),
        ("peer_advertise", arguments.peer_advertise.clone()),
        ("tls.cert", arguments.tls_cert.clone()),
        ("tls.key", arguments.tls_key.clone()),
    ];
    let settings = Settings::load(arguments.config.as_deref(), settings::environment(), &flags)?;
    let config = config_from(&arguments, &settings)?;
    logging::start(settings.text("log"))?;
    for variable in &settings.unknown_variables {
        tracing::warn!(variable, "this variable is no setting; `holdfast config show` lists them");
    }
    let _lock = folder::lock(&config.data_dir)?;
    run_node(|raft| serve(config, arguments.insecure, raft))
}

/// Runs a node to its end, and to the end of all that works for it.
fn run_node<F>(node: impl FnOnce(Handle) -> F) -> Result<(), Exit>
where
    F: Future<Output = Result<(), Exit>>,
{
    let ended = runtimes::run(node);
    let left = threads::wait_for_others(THREADS_DURATION_MAX);
    if !left.is_empty() {
        tracing::warn!(threads = ?left, "some work had not ended when the process did");
    }
    ended
}

fn config_from(arguments: &StartArguments, settings: &Settings) -> Result<NodeConfig, Exit> {
    addresses::check(settings, arguments.insecure)?;
    // Wrong ones are found now, and not when this node comes to lead.
    let senders = Arc::new(notifications::senders(settings)?);
    if let Some(wrong) = arguments.join.iter().find(|peer| !is_address(peer)) {
        return Err(Exit::usage(format!("--join names {wrong:?}, which is not HOST:PORT")));
    }
    for warning in addresses::warnings(settings) {
        tracing::warn!("{warning}");
    }
    let snapshot_entries = settings.number("raft.snapshot_entries")?;
    let keep_entries = settings.number_unless_empty("raft.keep_entries")?;
    let rate = |name| settings.number(name).map(|rate| u32::try_from(rate).unwrap_or(u32::MAX));
    Ok(NodeConfig {
        data_dir: arguments.data_dir.clone(),
        listen: settings.text("listen").to_owned(),
        peer_listen: settings.text("peer_listen").to_owned(),
        admin_listen: settings.text("admin_listen").to_owned(),
        advertise: settings.text("advertise").to_owned(),
        peer_advertise: settings.text("peer_advertise").to_owned(),
        init: arguments.init,
        join: arguments.join.clone(),
        join_token: join_token(arguments, |name| std::env::var_os(name)),
        tls: certificate_files(settings)?,
        stays_learner: arguments.learner,
        raft: RaftSettings {
            snapshot_entries,
            snapshot_log_bytes: settings.number("raft.snapshot_log_bytes")?,
            keep_entries: keep_entries.unwrap_or(snapshot_entries / 10),
            rows_cached: usize::try_from(settings.number("state.rows_cached")?).map_err(Exit::usage)?,
        },
        facade: FacadeSettings {
            access_token_seconds: settings.number("auth.access_token_seconds")?,
            deadline: Duration::from_millis(settings.number("facade.deadline_ms")?),
            public_url: settings.url_unless_empty("public_url")?,
            is_secured: !settings.text("tls.cert").is_empty(),
            user_rate: rate("limits.user_rate")?,
            address_rate: rate("limits.address_rate")?,
            account_failures: rate("auth.login_failures")?,
            address_failures: rate("auth.address_failures")?,
            log_in_wait_max: Duration::from_secs(settings.number("auth.login_wait_seconds")?),
            trust_declared_identity: settings.choice("facade.trust_declared_identity")?,
            payment_webhook_secrets: webhook_secrets(settings.text("payments.webhook_secrets_file"))?,
            allow_private_webhooks: settings.choice("webhooks.allow_private")?,
        },
        senders,
        first_operator: first_operator()?,
    })
}

/// What payment providers sign with: the lines of a file that are not empty.
fn webhook_secrets(file: &str) -> Result<Vec<String>, Exit> {
    if file.is_empty() {
        return Ok(Vec::new());
    }
    let unusable = |problem: String| Exit::usage(format!("payments.webhook_secrets_file: {file}: {problem}"));
    let text = std::fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
    let secrets = lines.map(|(number, line)| match holdfast_facade::is_webhook_secret(line) {
        true => Ok(line.to_owned()),
        false => Err(unusable(format!("line {number} is not `whsec_` and 24 to 64 bytes in base64"))),
    });
    secrets.collect()
}

/// Where the certificate is that clients are shown.
fn certificate_files(settings: &Settings) -> Result<Option<CertificateFiles>, Exit> {
    match [settings.text("tls.cert"), settings.text("tls.key")] {
        ["", ""] => Ok(None),
        [cert, key] if !cert.is_empty() && !key.is_empty() => {
            Ok(Some(CertificateFiles { cert: cert.into(), key: key.into() }))
        }
        [..] => Err(Exit::usage("tls.cert and tls.key belong together: --tls-cert FILE --tls-key FILE")),
    }
}

/// Where to find what lets this node into the cluster that it is to join. It is looked at only if the node is in none yet:
/// who restarts a member need not keep it.
fn join_token(
    arguments: &StartArguments,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<JoinTokenSource> {
    let variable_text = || variable("HOLDFAST_JOIN_TOKEN").map(|text| text.to_string_lossy().into_owned());
    let given = |text: Option<String>, file: Option<OsString>| {
        let text = text.filter(|text| !text.trim().is_empty()).map(JoinTokenSource::Text);
        text.or_else(|| file.filter(|path| !path.is_empty()).map(|path| JoinTokenSource::File(path.into())))
    };
    given(arguments.join_token.clone(), arguments.join_token_file.clone())
        .or_else(|| given(variable_text(), variable("HOLDFAST_JOIN_TOKEN_FILE")))
}

/// E-mail address and password of the first operator, if the environment names one.
fn first_operator() -> Result<Option<(String, String)>, Exit> {
    let mistake = || Exit::usage(format!("{FIRST_OPERATOR} is EMAIL:PASSWORD"));
    let Some(text) = std::env::var_os(FIRST_OPERATOR) else { return Ok(None) };
    let text = text.into_string().map_err(|_| mistake())?;
    let (email, password) = text.split_once(':').ok_or_else(mistake)?;
    match email.contains('@') && !password.is_empty() {
        true => Ok(Some((email.trim().to_lowercase(), password.to_owned()))),
        false => Err(mistake()),
    }
}

async fn serve(config: NodeConfig, is_insecure: bool, raft: Handle) -> Result<(), Exit> {
    let mut signals = StopSignals::listen()?;
    let data_dir = config.data_dir.clone();
    let (scheme, is_in_the_clear) =
        if config.tls.is_some() { ("https", false) } else { ("http", is_insecure) };
    let node = tokio::select! {
        node = RunningNode::start(config, raft) => node?,
        name = signals.next() => {
            tracing::info!(signal = name, "stopped while starting");
            return Ok(());
        }
    };
    let identity = node.replica.identity();
    eprintln!(
        "holdfast {version}: node {id} of cluster {cluster}\n  clients  {scheme}://{listen}\n  peers    {peer}\n  admin    \
         {scheme}://{admin}\n  data     {data}",
        version = env!("CARGO_PKG_VERSION"),
        id = identity.node,
        cluster = identity.cluster,
        listen = node.listen,
        peer = node.peer,
        admin = node.admin,
        data = shown(&data_dir),
    );
    if is_in_the_clear {
        eprintln!("  INSECURE: no TLS for clients; everybody on the network can read what they send");
    }
    let end = tokio::select! {
        reason = node.replica.failed() => End::Failed(reason),
        removed = node.replica.removed() => End::Removed(removed),
        name = signals.next() => {
            tracing::info!(signal = name, "stopping");
            End::Told
        }
    };
    match end {
        // Nothing that is still in memory may be trusted, and nothing is tried again: the log decides at the next start.
        End::Failed(reason) => Err(Exit::other(format!("node {} cannot go on: {reason}", identity.node))),
        End::Removed(removed) => {
            node.stop().await?;
            after_removal(removed)
        }
        End::Told => node.stop().await,
    }
}

/// Why a node ends.
enum End {
    Failed(String),
    Removed(Removed),
    Told,
}

/// Who was removed while it served has done its work; who was removed before had no business to start.
fn after_removal(removed: Removed) -> Result<(), Exit> {
    let says = format!(
        "node {} was removed from the cluster and stops for good; to join as a new node, start with an empty data folder",
        removed.node
    );
    match removed.has_served {
        true => {
            eprintln!("holdfast: {says}");
            Ok(())
        }
        false => Err(Exit::refused(says)),
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
        join_token: None,
        tls: None,
        stays_learner: false,
        raft: RaftSettings::default(),
        facade: FacadeSettings::default(),
        senders: Arc::new(notifications::to_the_log()?),
        first_operator: Some(("dev@localhost".to_owned(), password.clone())),
    };
    run_node(|raft| async move {
        let mut signals = StopSignals::listen()?;
        let node = RunningNode::start(config, raft).await?;
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
            _ = signals.next() => (),
        }
        node.stop().await
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Verb};

    fn token_of(flags: &[&str], variables: &[(&str, &str)]) -> Option<String> {
        let line = [&["holdfast", "start", "--data-dir", "d"], flags].concat();
        let Verb::Start(arguments) = Arguments::try_parse_from(line).unwrap().verb else { unreachable!() };
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Some(match join_token(&arguments, variable)? {
            JoinTokenSource::Text(text) => format!("text {text}"),
            JoinTokenSource::File(path) => format!("file {}", path.display()),
        })
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_what_is_empty_is_not_there() {
        let (text, file) = (("HOLDFAST_JOIN_TOKEN", "t"), ("HOLDFAST_JOIN_TOKEN_FILE", "f"));
        for (flags, variables, expected) in [
            (&[][..], &[][..], None),
            (&["--join-token", "a"], &[text, file], Some("text a")),
            (&["--join-token-file", "b"], &[text, file], Some("file b")),
            (&["--join-token-file", ""], &[text, file], Some("text t")),
            (&["--join-token", "", "--join-token-file", "b"], &[text], Some("file b")),
            (&["--join-token", "a", "--join-token-file", "b"], &[], Some("text a")),
            (&[], &[("HOLDFAST_JOIN_TOKEN", " "), file], Some("file f")),
            (&[], &[("HOLDFAST_JOIN_TOKEN", ""), ("HOLDFAST_JOIN_TOKEN_FILE", "")], None),
        ] {
            assert_eq!(token_of(flags, variables).as_deref(), expected, "{flags:?} {variables:?}");
        }
    }
}
