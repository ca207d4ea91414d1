//! Settings: flags over `HOLDFAST_*` environment over a TOML file over defaults, each with where it comes from.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use serde_json::json;

use crate::arguments::ConfigVerb;
use crate::exit::Exit;

/// Every setting: its name in the file (`HOLDFAST_` and the same in capitals, with `_` for `.`, in the environment),
/// its default, and what it is for.
const SETTINGS: [(&str, &str, &str); 15] = [
    ("listen", "127.0.0.1:3000", "where clients connect, HTTP and gRPC"),
    ("peer_listen", "127.0.0.1:3001", "where other nodes connect"),
    ("admin_listen", "127.0.0.1:3002", "where operators' tools connect"),
    ("advertise", "", "what clients are told to connect to; empty is the address of `listen`"),
    ("peer_advertise", "", "what other nodes are told to connect to; empty is the address of `peer_listen`"),
    (
        "public_url",
        "",
        "where clients find the cluster, for URLs it gives out; empty is `http://` and `advertise`",
    ),
    ("log", "info", "what is logged: a level, or filters of the tracing crates"),
    ("auth.access_token_seconds", "900", "how long an access token is valid"),
    ("facade.deadline_ms", "5000", "how long a call may take if its caller does not say; at most 10000"),
    ("limits.user_rate", "0", "calls a second of one user, more are answered 429; 0 is no limit"),
    ("limits.address_rate", "0", "calls a second from one network address; 0 is no limit"),
    ("raft.snapshot_entries", "50000", "a snapshot is made after so many applied entries"),
    ("raft.snapshot_log_bytes", "536870912", "and when the log has grown to so many bytes"),
    ("raft.keep_entries", "", "entries kept behind a snapshot; empty is a tenth of `raft.snapshot_entries`"),
    ("state.rows_cached", "200000", "decoded rows kept in memory"),
];

/// Variables that are no settings, and no mistakes either.
const OTHER_VARIABLES: [&str; 6] = [
    "HOLDFAST_BOOTSTRAP_OPERATOR",
    "HOLDFAST_CONFIG",
    "HOLDFAST_ENDPOINTS",
    "HOLDFAST_TOKEN",
    "HOLDFAST_TOKEN_FILE",
    "HOLDFAST_BIN",
];

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File,
    Environment,
    Flag,
}

/// All settings with their values.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// `HOLDFAST_*` variables that are no setting: to be warned of.
    pub(crate) unknown_variables: Vec<String>,
}

impl Settings {
    /// Reads the file and the environment; `flags` are those that were given.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&'static str, Option<String>)],
    ) -> Result<Self, Exit> {
        let defaults =
            SETTINGS.iter().map(|(name, default, _)| (*name, ((*default).to_owned(), Origin::Default)));
        let mut settings = Self { values: defaults.collect(), unknown_variables: Vec::new() };
        if let Some(file) = file {
            settings.read_file(file)?;
        }
        settings.read_environment(environment);
        for (name, value) in flags {
            if let Some(value) = value {
                settings.values.insert(name, (value.clone(), Origin::Flag));
            }
        }
        Ok(settings)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Exit> {
        let unusable = |problem: String| Exit::usage(format!("{}: {problem}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        let table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| unusable(error.to_string()))?;
        for (name, value) in flatten("", &table) {
            let Some((known, _, _)) = SETTINGS.iter().find(|(known, _, _)| *known == name) else {
                return Err(unusable(format!(
                    "there is no setting {name}; `holdfast config show` lists them"
                )));
            };
            self.values.insert(known, (value, Origin::File));
        }
        Ok(())
    }

    fn read_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        for (variable, value) in environment.filter(|(variable, _)| variable.starts_with("HOLDFAST_")) {
            match SETTINGS.iter().find(|(name, _, _)| variable_of(name) == variable) {
                Some((name, _, _)) => drop(self.values.insert(name, (value, Origin::Environment))),
                None if OTHER_VARIABLES.contains(&variable.as_str()) => (),
                None => self.unknown_variables.push(variable),
            }
        }
    }

    /// The value of a setting.
    pub(crate) fn text(&self, name: &'static str) -> &str {
        self.values.get(name).map_or("", |(value, _)| value)
    }

    /// The value of a setting as what it must be.
    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, Exit> {
        let text = self.text(name);
        text.parse().map_err(|_| {
            Exit::usage(format!("the setting {name} cannot be {text:?} ({:?})", self.origin(name)))
        })
    }

    /// The value of a setting, or `None` if it is empty.
    pub(crate) fn parsed_unless_empty<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Exit> {
        if self.text(name).is_empty() { Ok(None) } else { self.parsed(name).map(Some) }
    }

    fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| *origin)
    }
}

fn variable_of(name: &str) -> String {
    format!("HOLDFAST_{}", name.replace('.', "_").to_uppercase())
}

/// `[a] b = 1` as `a.b = 1`.
fn flatten(prefix: &str, table: &toml::Table) -> Vec<(String, String)> {
    let mut flat = Vec::new();
    for (name, value) in table {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => flat.extend(flatten(&name, inner)),
            toml::Value::String(text) => flat.push((name, text.clone())),
            toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_) => flat.push((name, value.to_string())),
        }
    }
    flat
}

/// Prints every setting with its origin.
pub(crate) fn show(verb: &ConfigVerb) -> Result<(), Exit> {
    let ConfigVerb::Show { config, output } = verb;
    let settings = Settings::load(config.as_deref(), std::env::vars(), &[])?;
    let rows = SETTINGS.iter().map(|(name, _, about)| {
        let origin = match settings.origin(name) {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::Environment => "environment",
            Origin::Flag => "flag",
        };
        json!({"name": name, "value": settings.text(name), "origin": origin, "about": about})
    });
    let rows: Vec<_> = rows.collect();
    holdfast_cluster::print_rows(&rows, &["name", "value", "origin", "about"], *output);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn load(
        file: &str,
        environment: &[(&str, &str)],
        flags: &[(&'static str, Option<String>)],
    ) -> Result<Settings, Exit> {
        let mut written = tempfile::NamedTempFile::new().unwrap();
        written.write_all(file.as_bytes()).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(Some(written.path()), environment, flags)
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let file = "listen = \"a\"\nlog = \"debug\"\n[raft]\nsnapshot_entries = 7\n[auth]\naccess_token_seconds = 8\n";
        let environment = [("HOLDFAST_LISTEN", "b"), ("HOLDFAST_RAFT_SNAPSHOT_ENTRIES", "9")];
        let settings =
            load(file, &environment, &[("listen", Some("c".to_owned())), ("advertise", None)]).unwrap();
        assert_eq!((settings.text("listen"), settings.origin("listen")), ("c", Origin::Flag));
        assert_eq!(settings.parsed::<u64>("raft.snapshot_entries").unwrap(), 9);
        assert_eq!(settings.parsed::<u64>("auth.access_token_seconds").unwrap(), 8);
        assert_eq!((settings.text("log"), settings.origin("log")), ("debug", Origin::File));
        assert_eq!(settings.origin("peer_listen"), Origin::Default);
    }

    #[test]
    fn an_unknown_variable_is_a_warning_and_an_unknown_setting_in_the_file_a_mistake() {
        let environment = [("HOLDFAST_NONSENSE", "1"), ("HOLDFAST_TOKEN", "t"), ("PATH", "/")];
        assert_eq!(load("", &environment, &[]).unwrap().unknown_variables, ["HOLDFAST_NONSENSE"]);
        assert!(load("[raft]\nnonsense = 1\n", &[], &[]).is_err());
        assert!(load("= 1", &[], &[]).is_err());
    }
}
