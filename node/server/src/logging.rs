//! Logs go to stderr; what is logged is a setting.

use tracing_subscriber::EnvFilter;

use crate::exit::Exit;

/// Starts logging.
pub(crate) fn start(filter: &str) -> Result<(), Exit> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Exit::usage(format!("the setting log cannot be {filter:?}: {error}")))?;
    // openraft tells of every vote and heartbeat that fails; its warnings are enough.
    let quieter = ["openraft=warn", "h2=warn", "hyper=warn", "tower=warn"]
        .into_iter()
        .filter_map(|rule| rule.parse().ok());
    let filter =
        quieter.fold(EnvFilter::try_new(filter.to_string()).unwrap_or(filter), EnvFilter::add_directive);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    Ok(())
}
