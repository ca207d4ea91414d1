//! `holdfast user`.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use hyper::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::failure::{self, Failure};
use crate::local::Addresses;
use crate::passwords;
use crate::target::Target;

const COLUMNS: [&str; 6] = ["id", "email", "name", "role", "createdAt", "banned"];

/// What an operator can do with users.
#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// List users, newest first
    List {
        /// Only the one with this address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        target: Target,
    },
    /// Show a user
    Show {
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        #[command(flatten)]
        target: Target,
    },
    /// Make a user; the password is asked for, or read from HOLDFAST_PASSWORD or a line on standard input
    Create {
        email: String,
        /// What the user is called [default: the address]
        #[arg(long)]
        name: Option<String>,
        /// What the user may do
        #[arg(long, value_enum, default_value = "guest")]
        role: RoleName,
        /// Make a user who cannot log in
        #[arg(long)]
        without_password: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Make an operator: the first one on the machine of a node, any other signed in as an operator
    CreateOperator {
        email: String,
        /// What the operator is called [default: the address]
        #[arg(long)]
        name: Option<String>,
        /// The data folder of a node that runs on this machine; whoever can read it may make the first operator
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        #[command(flatten)]
        target: Target,
    },
    /// Give a user another role, from the next call on
    SetRole {
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        #[arg(value_enum)]
        role: RoleName,
        #[command(flatten)]
        target: Target,
    },
    /// Give a user another password, read as for `create`; he is logged out everywhere
    SetPassword {
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        /// It is your own: the old one is asked for first, or read from HOLDFAST_OLD_PASSWORD or standard input
        #[arg(long)]
        own: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Keep a user from doing anything, from the next call on
    Ban {
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        /// Why, for other operators
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        target: Target,
    },
    /// Let a banned user log in again
    Unban {
        #[arg(value_name = "ID|EMAIL")]
        user: String,
        #[command(flatten)]
        target: Target,
    },
}

/// What a user may do.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    /// Books for himself
    Guest,
    /// Checks guests in, manages every booking
    Staff,
    /// Manages everything
    Operator,
    /// Books for others by naming them; `holdfast app create` makes one with a secret instead of a password
    App,
}

/// Does a verb.
///
/// # Errors
///
/// See [`Failure`].
pub fn manage(verb: &UserVerb) -> Result<(), Failure> {
    failure::block_on(run(verb))
}

async fn run(verb: &UserVerb) -> Result<(), Failure> {
    match verb {
        UserVerb::List { email, limit, target } => {
            let path = match email {
                Some(email) => by_email(email),
                None => "/v1/users".to_owned(),
            };
            target.print_all(target.list(&path, *limit).await?, &COLUMNS);
            Ok(())
        }
        UserVerb::Show { user, target } => {
            let path = path_of(target, user, "").await?;
            print(target, target.api()?.get(&path).await?)
        }
        UserVerb::Create { email, name, role, without_password, target } => {
            let password = match without_password {
                true => None,
                false => Some(passwords::new_password(email)?),
            };
            create(target, email, name.as_deref(), *role, password).await
        }
        UserVerb::CreateOperator { email, name, data_dir: None, target } => {
            let password = passwords::new_password(email)?;
            create(target, email, name.as_deref(), RoleName::Operator, Some(password)).await
        }
        UserVerb::CreateOperator { email, name, data_dir: Some(dir), target } => {
            let owner = owner_api(dir)?;
            let password = passwords::new_password(email)?;
            let body = json!({"email": email, "name": name.as_ref().unwrap_or(email), "password": password});
            target.print(owner.post("/first-operator", body).await?, &["id"]);
            Ok(())
        }
        UserVerb::SetRole { user, role, target } => {
            let path = path_of(target, user, "/role").await?;
            let body = json!({"role": role.text()});
            print(target, target.call(Method::PUT, &path, Some(body)).await?)
        }
        UserVerb::SetPassword { user, own, target } => {
            let path = match own {
                true => own_path(target, user, "/password").await?,
                false => path_of(target, user, "/password").await?,
            };
            let old_password = own.then(passwords::old_password).transpose()?;
            let mut body = json!({"password": passwords::new_password(user)?});
            if let Some(old_password) = old_password {
                body["oldPassword"] = old_password.into();
            }
            print(target, target.call(Method::PUT, &path, Some(body)).await?)
        }
        UserVerb::Ban { user, reason, target } => {
            let path = path_of(target, user, "/ban").await?;
            print(target, target.call(Method::PUT, &path, Some(json!({"reason": reason}))).await?)
        }
        UserVerb::Unban { user, target } => {
            let path = path_of(target, user, "/ban").await?;
            print(target, target.call(Method::DELETE, &path, None).await?)
        }
    }
}

async fn create(
    target: &Target,
    email: &str,
    name: Option<&str>,
    role: RoleName,
    password: Option<String>,
) -> Result<(), Failure> {
    let mut body = json!({"email": email, "name": name.unwrap_or(email), "role": role.text()});
    if let Some(password) = password {
        body["password"] = password.into();
    }
    print(target, target.call(Method::POST, "/v1/users", Some(body)).await?)
}

/// The admin port of the node with this data folder, for whoever can read the folder.
fn owner_api(dir: &Path) -> Result<Api, Failure> {
    let read = |name: &str| {
        let path = dir.join(name);
        let unreadable = |error: std::io::Error| {
            let says = format!("{}: {error}; is this the data folder of a node that runs?", path.display());
            Failure::Usage(says)
        };
        std::fs::read_to_string(&path).map_err(unreadable)
    };
    let addresses: Addresses = serde_json::from_str(&read("addresses.json")?).map_err(Failure::other)?;
    Ok(Api { endpoints: vec![addresses.admin.to_string()], token: Some(read("owner-token")?) })
}

/// The path of a user who is named by his id or his address.
async fn path_of(target: &Target, user: &str, rest: &str) -> Result<String, Failure> {
    if user.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(format!("/v1/users/{user}{rest}"));
    }
    let found = target.list(&by_email(user), 1).await?;
    match found.first().and_then(|found| found["id"].as_u64()) {
        Some(id) => Ok(format!("/v1/users/{id}{rest}")),
        None => Err(Failure::Refused(format!("there is no user {user}"))),
    }
}

/// The path of the one who is signed in, who need not be an operator, provided that he is who he says.
async fn own_path(target: &Target, user: &str, rest: &str) -> Result<String, Failure> {
    let own = target.api()?.get("/v1/users/me").await?;
    match is_named(&own, user) {
        true => Ok(format!("/v1/users/{}{rest}", own["id"])),
        false => {
            let says = format!("--own: you are signed in as {}, not as {user}", own["email"]);
            Err(Failure::Refused(says))
        }
    }
}

/// Whether a user is the one of an id or an address.
fn is_named(user: &Value, name: &str) -> bool {
    let has_address = user["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(name.trim()));
    has_address || user["id"].as_u64().is_some_and(|id| name.parse() == Ok(id))
}

fn by_email(email: &str) -> String {
    let encoded: String = email
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("/v1/users?email={encoded}")
}

fn print(target: &Target, user: Value) -> Result<(), Failure> {
    target.print(user, &COLUMNS);
    Ok(())
}

impl RoleName {
    fn text(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Staff => "staff",
            Self::Operator => "operator",
            Self::App => "app",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_address_can_be_asked_for() {
        assert_eq!(by_email("mia@example.com"), "/v1/users?email=mia%40example.com");
        assert_eq!(by_email("a+b&c@é"), "/v1/users?email=a%2Bb%26c%40%C3%A9");
    }

    #[test]
    fn a_user_is_named_by_his_id_or_his_address() {
        let mia = json!({"id": 3, "email": "mia@example.com"});
        assert!(is_named(&mia, "3") && is_named(&mia, "Mia@Example.com"));
        assert!(!is_named(&mia, "33") && !is_named(&mia, "tom@example.com"));
    }

    #[test]
    fn only_the_folder_of_a_node_makes_somebody_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(owner_api(dir.path()).unwrap_err().exit_code(), 2);
        let addresses = json!({"listen": "127.0.0.1:1", "peer": "127.0.0.1:2", "admin": "127.0.0.1:3"});
        std::fs::write(dir.path().join("addresses.json"), addresses.to_string()).unwrap();
        assert!(owner_api(dir.path()).unwrap_err().to_string().contains("owner-token"));
        std::fs::write(dir.path().join("owner-token"), "secret").unwrap();
        let api = owner_api(dir.path()).unwrap();
        assert_eq!((api.endpoints, api.token.as_deref()), (vec!["127.0.0.1:3".to_owned()], Some("secret")));
    }
}
