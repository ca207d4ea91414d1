//! Logs go to stderr; what is logged is a setting.

use tracing_subscriber::EnvFilter;

use crate::exit::Exit;

/// openraft tells of every vote and heartbeat that fails; its warnings are enough, unless the setting names it.
const QUIETER: &str = "openraft=warn,h2=warn,hyper=warn,tower=warn";

/// Starts logging.
pub(crate) fn start(setting: &str) -> Result<(), Exit> {
    tracing_subscriber::fmt().with_env_filter(filter(setting)?).with_writer(std::io::stderr).init();
    Ok(())
}

/// What is logged. Of two rules for one target the later counts, so the setting has the last word.
fn filter(setting: &str) -> Result<EnvFilter, Exit> {
    let cannot = |error| Exit::usage(format!("the setting log cannot be {setting:?}: {error}"));
    EnvFilter::try_new(format!("{QUIETER},{setting}")).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(setting: &str) -> Vec<String> {
        let filter = filter(setting).unwrap().to_string();
        let mut rules: Vec<String> = filter.split(',').map(str::to_owned).collect();
        rules.sort_unstable();
        rules
    }

    #[test]
    fn what_the_setting_names_is_logged_as_it_says() {
        assert_eq!(rules("info"), ["h2=warn", "hyper=warn", "info", "openraft=warn", "tower=warn"]);
        assert_eq!(
            rules("openraft=debug,h2=off,warn"),
            ["h2=off", "hyper=warn", "openraft=debug", "tower=warn", "warn"]
        );
        assert!(filter("openraft=loud").is_err_and(|exit| exit.to_string().contains("openraft=loud")));
    }
}
