//! `holdfast app`.

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use crate::failure::{self, Failure};
use crate::target::Target;

const COLUMNS: [&str; 4] = ["id", "name", "createdAt", "secrets"];

/// What an operator can do with app servers.
#[derive(Debug, Subcommand)]
pub enum AppVerb {
    /// Make an app, and print its first secret: nobody can see it again
    Create {
        /// What the app is called
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// List apps, newest first, with the numbers of their secrets
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        target: Target,
    },
    /// Print a new secret of an app; the others count until they are revoked
    Rotate {
        /// Which app
        id: u64,
        #[command(flatten)]
        target: Target,
    },
    /// Revoke a secret of an app, from the next call on
    Revoke {
        /// Which app
        id: u64,
        /// The number of the secret, as `list` shows it and as it stands in `hfa_ID_NUMBER_...`
        number: u32,
        #[command(flatten)]
        target: Target,
    },
    /// Delete an app with all its secrets; what it has booked stays
    Delete {
        /// Which app
        id: u64,
        #[command(flatten)]
        target: Target,
    },
}

/// Does a verb.
///
/// # Errors
///
/// See [`Failure`].
pub fn manage(verb: &AppVerb) -> Result<(), Failure> {
    failure::block_on(run(verb))
}

async fn run(verb: &AppVerb) -> Result<(), Failure> {
    match verb {
        AppVerb::Create { name, target } => {
            let made = target.call(Method::POST, "/v1/apps", Some(json!({"name": name}))).await?;
            print_secret(target, made)
        }
        AppVerb::List { limit, target } => {
            target.print_all(target.list("/v1/apps", *limit).await?, &COLUMNS);
            Ok(())
        }
        AppVerb::Rotate { id, target } => {
            let made = target.call(Method::POST, &format!("/v1/apps/{id}/secrets"), None).await?;
            print_secret(target, made)
        }
        AppVerb::Revoke { id, number, target } => {
            let path = format!("/v1/apps/{id}/secrets/{number}");
            target.print(target.call(Method::DELETE, &path, None).await?, &["id", "secretId", "message"]);
            Ok(())
        }
        AppVerb::Delete { id, target } => {
            let path = format!("/v1/apps/{id}");
            target.print(target.call(Method::DELETE, &path, None).await?, &["id", "message"]);
            Ok(())
        }
    }
}

fn print_secret(target: &Target, made: Value) -> Result<(), Failure> {
    expect_secret(&made)?;
    eprintln!("Keep the secret now: nobody can see it again.");
    target.print(made, &["id", "secretId", "secret"]);
    Ok(())
}

/// An answer that was lost, and was given again by another node, comes without the secret: only the first node had it.
fn expect_secret(made: &Value) -> Result<(), Failure> {
    let (id, number) = (&made["id"], &made["secretId"]);
    match made["secret"].is_string() {
        true => Ok(()),
        false => Err(Failure::Other(format!(
            "secret {number} of app {id} was made, but got lost on its way here; `holdfast app rotate {id}` makes \
             another, `holdfast app revoke {id} {number}` removes the lost one"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_got_lost_is_no_success() {
        assert!(expect_secret(&json!({"id": 7, "secretId": 1, "secret": "hfa_7_1_x"})).is_ok());
        let failure = expect_secret(&json!({"id": 7, "secretId": 1, "secret": null})).unwrap_err();
        assert!(failure.to_string().contains("holdfast app rotate 7"), "{failure}");
        assert_eq!(failure.exit_code(), 1);
    }
}
