//! Passwords that verbs need: from the environment, a terminal that does not show them, or a pipe; never from the command
//! line, where others could read them.

use std::io::{BufRead, IsTerminal as _};

use crate::failure::Failure;

const PASSWORD: &str = "HOLDFAST_PASSWORD";
const OLD_PASSWORD: &str = "HOLDFAST_OLD_PASSWORD";

/// A password to be set.
pub(crate) fn new_password(whose: &str) -> Result<String, Failure> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        return line_of(&mut std::io::stdin().lock(), PASSWORD);
    }
    let password = ask(&format!("new password of {whose}: "))?;
    match ask("the same again: ")? == password {
        true => Ok(password),
        false => Err(Failure::Usage("the two are not the same; nothing was done".to_owned())),
    }
}

/// The password that is to be replaced.
pub(crate) fn old_password() -> Result<String, Failure> {
    if let Ok(password) = std::env::var(OLD_PASSWORD) {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        return line_of(&mut std::io::stdin().lock(), OLD_PASSWORD);
    }
    ask("old password: ")
}

fn ask(prompt: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt).map_err(Failure::other)
}

fn line_of(input: &mut impl BufRead, variable: &str) -> Result<String, Failure> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    match password.is_empty() {
        false => Ok(password.to_owned()),
        true => {
            let says =
                format!("a password is missing: set {variable}, or give it as a line on standard input");
            Err(Failure::Usage(says))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gives_a_password_a_line() {
        let mut input = &b"old one\nnew one\r\n"[..];
        assert_eq!(line_of(&mut input, OLD_PASSWORD).unwrap(), "old one");
        assert_eq!(line_of(&mut input, PASSWORD).unwrap(), "new one");
        let missing = line_of(&mut input, PASSWORD).unwrap_err();
        assert_eq!((missing.exit_code(), missing.to_string().contains(PASSWORD)), (2, true));
    }
}
