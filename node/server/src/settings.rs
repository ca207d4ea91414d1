//! Settings: flags over `HOLDFAST_*` environment over a TOML file over defaults, each with where it comes from.

mod table;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::arguments::ConfigVerb;
use crate::exit::Exit;
use crate::settings::table::Allowed::{Numbers, NumbersOrNothing, Text, TrueOrFalse};
use crate::settings::table::{SETTINGS, Setting, allowed};

/// Variables that are no settings, and no mistakes either.
const OTHER_VARIABLES: [&str; 11] = [
    "HOLDFAST_BOOTSTRAP_OPERATOR",
    "HOLDFAST_CA",
    "HOLDFAST_CONFIG",
    "HOLDFAST_ENDPOINTS",
    "HOLDFAST_JOIN_TOKEN",
    "HOLDFAST_JOIN_TOKEN_FILE",
    "HOLDFAST_OLD_PASSWORD",
    "HOLDFAST_PASSWORD",
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
        let defaults = SETTINGS.iter().map(|known| (known.name, (known.default.to_owned(), Origin::Default)));
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
            let Some(known) = SETTINGS.iter().find(|known| known.name == name) else {
                return Err(unusable(format!(
                    "there is no setting {name}; `holdfast config show` lists them"
                )));
            };
            self.values.insert(known.name, (value, Origin::File));
        }
        Ok(())
    }

    fn read_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        for (variable, value) in environment.filter(|(variable, _)| variable.starts_with("HOLDFAST_")) {
            match SETTINGS.iter().find(|known| variable_of(known.name) == variable) {
                Some(known) => drop(self.values.insert(known.name, (value, Origin::Environment))),
                None if OTHER_VARIABLES.contains(&variable.as_str()) => (),
                None => self.unknown_variables.push(variable),
            }
        }
    }

    /// The value of a setting.
    pub(crate) fn text(&self, name: &'static str) -> &str {
        self.values.get(name).map_or("", |(value, _)| value)
    }

    /// The value of a setting that is a number.
    pub(crate) fn number(&self, name: &'static str) -> Result<u64, Exit> {
        let number = self.number_unless_empty(name)?;
        number.ok_or_else(|| self.cannot_be(name))
    }

    /// The value of a setting that may be left to others.
    pub(crate) fn number_unless_empty(&self, name: &'static str) -> Result<Option<u64>, Exit> {
        let (min, max, may_be_empty) = match allowed(name) {
            Text => (0, u64::MAX, false),
            Numbers { min, max } => (min, max, false),
            NumbersOrNothing { min, max } => (min, max, true),
            TrueOrFalse => (0, 0, false),
        };
        if may_be_empty && self.text(name).is_empty() {
            return Ok(None);
        }
        let number = self.text(name).parse().ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| self.cannot_be(name))
    }

    /// The value of a setting that is a choice.
    pub(crate) fn choice(&self, name: &'static str) -> Result<bool, Exit> {
        match self.text(name) {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.cannot_be(name)),
        }
    }

    /// The value of a setting that is a URL.
    pub(crate) fn url_unless_empty(&self, name: &'static str) -> Result<Option<String>, Exit> {
        let is_url = |text: &str| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        };
        match self.text(name) {
            "" => Ok(None),
            text if is_url(text) => Ok(Some(text.to_owned())),
            text => {
                Err(Exit::usage(format!("the setting {name} cannot be {text:?}; it begins with https://")))
            }
        }
    }

    fn cannot_be(&self, name: &'static str) -> Exit {
        let (text, origin) = (self.text(name), self.origin(name).words());
        let range = allowed(name).words();
        Exit::usage(format!("the setting {name} cannot be {text:?} (from the {origin}); it is {range}"))
    }

    fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| *origin)
    }
}

impl Origin {
    fn words(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// The environment of the process. What is no Unicode is shown as well as it can be.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
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
    let settings = Settings::load(config.as_deref(), environment(), &[])?;
    let rows = SETTINGS.iter().map(|Setting { name, allowed, about, .. }| {
        let origin = settings.origin(name).words();
        json!({
            "name": name,
            "value": settings.text(name),
            "origin": origin,
            "allowed": allowed.words(),
            "about": about,
        })
    });
    let rows: Vec<_> = rows.collect();
    holdfast_cluster::print_rows(&rows, &["name", "value", "origin", "allowed", "about"], *output);
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
        assert_eq!(settings.number("raft.snapshot_entries").unwrap(), 9);
        assert_eq!(settings.number("auth.access_token_seconds").unwrap(), 8);
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

    #[test]
    fn a_number_beyond_its_range_is_refused_with_its_name_and_its_range() {
        let cases = [
            ("facade.deadline_ms", ["0", "10001"], "from 1 to 10000"),
            ("auth.access_token_seconds", ["0", "18446744073709551615"], "from 1 to 86400"),
            ("auth.login_failures", ["-1", "1000001"], "from 0 to 1000000"),
            ("auth.address_failures", ["", "1000001"], "from 0 to 1000000"),
            ("auth.login_wait_seconds", ["0", "86401"], "from 1 to 86400"),
            ("limits.user_rate", ["-1", "4294967296"], "from 0 to 1000000"),
            ("limits.address_rate", ["", "1000001"], "from 0 to 1000000"),
            ("raft.snapshot_entries", ["0", "many"], "from 1 to 1000000000"),
            ("raft.snapshot_log_bytes", ["0", "18446744073709551615"], "from 1048576 to 1099511627776"),
            ("raft.keep_entries", ["-1", "18446744073709551615"], "empty or a number from 0"),
            ("state.rows_cached", ["1.5", "18446744073709551615"], "from 0 to 100000000"),
        ];
        for (name, values, range) in cases {
            assert!(load("", &[], &[]).unwrap().number_unless_empty(name).is_ok(), "the default of {name}");
            for value in values {
                let settings = load("", &[(&variable_of(name), value)], &[]).unwrap();
                let exit = settings.number_unless_empty(name).unwrap_err();
                let said = exit.to_string();
                assert!([name, value, range, "environment"].iter().all(|word| said.contains(word)), "{said}");
                assert_eq!(exit.code(), 2);
            }
        }
        let is_number = |allowed| matches!(allowed, Numbers { .. } | NumbersOrNothing { .. });
        let numbers = SETTINGS.iter().filter(|setting| is_number(setting.allowed)).count();
        assert_eq!(numbers, cases.len(), "every number has a range");
    }

    #[test]
    fn a_public_url_can_be_one() {
        let url =
            |value| load("", &[("HOLDFAST_PUBLIC_URL", value)], &[]).unwrap().url_unless_empty("public_url");
        assert_eq!(url("").unwrap(), None);
        assert_eq!(
            url("https://tickets.example.com").unwrap().as_deref(),
            Some("https://tickets.example.com")
        );
        for wrong in ["tickets.example.com", "https://", "http://a b"] {
            assert!(url(wrong).is_err_and(|exit| exit.to_string().contains("public_url")), "{wrong}");
        }
    }
}
