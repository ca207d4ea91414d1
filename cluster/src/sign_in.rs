//! Who makes an operator's calls: named by the environment, never on a command line, where others could read it.

use crate::failure::Failure;

const TOKEN: &str = "HOLDFAST_TOKEN";
const TOKEN_FILE: &str = "HOLDFAST_TOKEN_FILE";

/// The operator's access token.
pub(crate) fn token() -> Result<String, Failure> {
    token_from(|name| std::env::var(name).ok())
}

fn token_from(variable: impl Fn(&str) -> Option<String>) -> Result<String, Failure> {
    if let Some(token) = variable(TOKEN) {
        return Ok(token.trim().to_owned());
    }
    let path = variable(TOKEN_FILE).ok_or_else(|| {
        Failure::Usage(format!(
            "who asks? set {TOKEN} or {TOKEN_FILE} to an operator's access token (POST /auth/login gives one)"
        ))
    })?;
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{TOKEN_FILE}: {path}: {error}"));
    Ok(std::fs::read_to_string(&path).map_err(unreadable)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_from_a_variable_or_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "of the file\n").unwrap();
        let path = file.path().display().to_string();
        let token = |known: &[(&str, &str)]| {
            let find = |name: &str| known.iter().find(|(known, _)| *known == name);
            token_from(|name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(token(&[(TOKEN_FILE, &path)]).unwrap(), "of the file");
        assert_eq!(token(&[(TOKEN_FILE, &path), (TOKEN, "itself")]).unwrap(), "itself");
        for wrong in [&[][..], &[(TOKEN_FILE, "/no/such/file")]] {
            let failure = token(wrong).unwrap_err();
            assert_eq!((failure.exit_code(), failure.to_string().contains(TOKEN_FILE)), (2, true));
        }
    }
}
