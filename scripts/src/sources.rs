//! Finds the Rust sources of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

#[derive(Debug)]
pub struct Source {
    /// Relative to the root, as in `node/storage/src/lib.rs`.
    pub path: String,
    pub text: String,
}

/// Every `.rs` file below `folder`, by path; build output is left out.
pub fn below(root: &Path, folder: &str) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    collect(root, &root.join(folder), &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path: PathBuf = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(root, &path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            sources.push(Source { path: path.strip_prefix(root)?.display().to_string(), text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_and_build_output_is_not() {
        let root = tempfile::tempdir().unwrap();
        for file in ["one/src/lib.rs", "one/build.rs", "one/target/out.rs", "one/README.md", "two/src/lib.rs"]
        {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let found: Vec<_> =
            below(root.path(), "one").unwrap().into_iter().map(|source| source.path).collect();
        assert_eq!(found, ["one/build.rs", "one/src/lib.rs"]);
    }
}
