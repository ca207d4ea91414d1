//! Bugs that the simulator must find: patches, a copy of the tree to plant them in, and the hunt for them.

pub mod hunt;
pub mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Where the patches are, from the workspace's root.
pub const FOLDER: &str = "tests/simulation/planted";

/// A bug as a patch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bug {
    /// The patch's name without its ending, as in `01-answered-before-synced`.
    pub name: String,
    pub patch: PathBuf,
}

impl Bug {
    /// What it does, in the words of the patch.
    pub fn what(&self) -> Result<String> {
        let text = fs::read_to_string(&self.patch).with_context(|| self.patch.display().to_string())?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}

/// All bugs there are, by name.
pub fn all(root: &Path) -> Result<Vec<Bug>> {
    let folder = root.join(FOLDER);
    let mut bugs = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let patch = entry?.path();
        let name = patch.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
        match name {
            Some(name) if patch.extension().is_some_and(|ending| ending == "patch") => {
                bugs.push(Bug { name, patch });
            }
            Some(_) | None => (),
        }
    }
    bugs.sort();
    Ok(bugs)
}

/// The bugs whose names contain one of these words, or all.
pub fn named(bugs: Vec<Bug>, words: &[String]) -> Result<Vec<Bug>> {
    let is_meant = |bug: &Bug| words.is_empty() || words.iter().any(|word| bug.name.contains(word.as_str()));
    let meant: Vec<Bug> = bugs.into_iter().filter(is_meant).collect();
    ensure!(!meant.is_empty(), "no planted bug is called {}", words.join(" or "));
    Ok(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bugs_are_named_by_any_part_of_their_names() {
        let bug = |name: &str| Bug { name: name.to_owned(), patch: PathBuf::new() };
        let bugs = || vec![bug("01-early-answer"), bug("02-lost-vote")];
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            named(bugs(), &words).map(|bugs| bugs.into_iter().map(|bug| bug.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["01-early-answer", "02-lost-vote"]);
        assert_eq!(names(&["vote"]).unwrap(), ["02-lost-vote"]);
        assert_eq!(names(&["03"]).unwrap_err().to_string(), "no planted bug is called 03");
    }
}
