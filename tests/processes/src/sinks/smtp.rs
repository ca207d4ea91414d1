//! A mail server: over TLS from the start, after STARTTLS, or not at all; for those who log in.

mod session;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use self::session::Session;
use super::authority::Authority;
use super::plan::Plans;
use super::seen::Seen;

const USER: &str = "holdfast";
const PASSWORD: &str = "correct horse";

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    FromTheStart,
    StartTls,
    None,
}

/// A letter that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Of the envelope.
    pub from: String,
    pub to: String,
    /// Head and body, as they came.
    pub text: String,
    pub is_secured: bool,
}

/// The server.
pub struct SmtpSink {
    pub password_file: PathBuf,
    pub seen: Seen<Letter>,
    pub plans: Plans,
    address: std::net::SocketAddr,
    security: SmtpSecurity,
    accepting: JoinHandle<()>,
}

struct Desk {
    seen: Seen<Letter>,
    plans: Plans,
    security: SmtpSecurity,
    tls: TlsAcceptor,
}

impl Letter {
    /// A header on one line, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut head = self.text.lines().take_while(|line| !line.is_empty());
        let found = head.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default()
    }
}

impl SmtpSink {
    pub const USER: &str = USER;

    /// Starts the server, and writes down the password.
    pub async fn start(authority: &Authority, security: SmtpSecurity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let password_file = authority.dir().join("smtp.password");
        std::fs::write(&password_file, format!("{PASSWORD}\n")).unwrap();
        let (seen, plans) = (Seen::default(), Plans::default());
        let tls = authority.acceptor(&[]);
        let desk = Arc::new(Desk { seen: seen.clone(), plans: plans.clone(), security, tls });
        let accepting = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let desk = Arc::clone(&desk);
                sessions.spawn(async move { drop(Session::run(&desk, stream).await) });
            }
        });
        Self { password_file, seen, plans, address, security, accepting }
    }

    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.security {
            SmtpSecurity::FromTheStart => "smtps",
            SmtpSecurity::StartTls => "smtp+starttls",
            SmtpSecurity::None => "smtp",
        };
        format!("{scheme}://{}", self.address)
    }

    /// The settings of a node that sends here, as environment variables.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOLDFAST_NOTIFICATIONS_EMAIL_URL", self.url()),
            ("HOLDFAST_NOTIFICATIONS_EMAIL_FROM", "Park <park@example.com>".to_owned()),
            ("HOLDFAST_NOTIFICATIONS_EMAIL_USER", USER.to_owned()),
            ("HOLDFAST_NOTIFICATIONS_EMAIL_PASSWORD_FILE", self.password_file.display().to_string()),
        ]
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
