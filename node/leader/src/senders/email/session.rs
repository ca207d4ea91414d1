//! One conversation with a mail server. Which step a server refused says what its code is about: lettre's own transport
//! does not tell.

use std::fmt;
use std::time::Duration;

use lettre::Message;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};

use crate::senders::message::Delivery;

/// What says that the recipient or the message will never be taken.
const REFUSALS: [u16; 6] = [501, 550, 551, 552, 553, 556];

/// What says, whatever it was asked, that the server takes nothing now, or nothing from us.
const NOT_LET_IN: [u16; 5] = [421, 530, 534, 535, 538];

/// How long the server may take to say goodbye. What it took, it has.
const GOODBYE_DURATION_MAX: Duration = Duration::from_secs(1);

/// A mail server, and how it is spoken to.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
}

/// How a server is spoken to.
pub(super) enum Security {
    FromTheStart(TlsParameters),
    StartTls(TlsParameters),
    /// On this machine only.
    None,
}

/// How far a conversation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The server is greeted, told who we are and from whom the letter is.
    Sender,
    Recipient,
    Letter,
}

impl Server {
    /// Hands a letter over, within a time.
    pub(super) async fn hand_over(&self, letter: &Message, duration_max: Duration) -> Delivery {
        let handing = tokio::time::timeout(duration_max, self.try_to_hand_over(letter, duration_max));
        match handing.await {
            Ok(Ok(mut connection)) => {
                drop(tokio::time::timeout(GOODBYE_DURATION_MAX, connection.abort()).await);
                Delivery::Delivered
            }
            Ok(Err(delivery)) => delivery,
            Err(_) => Delivery::retry("it took too long"),
        }
    }

    async fn try_to_hand_over(
        &self,
        letter: &Message,
        duration_max: Duration,
    ) -> Result<AsyncSmtpConnection, Delivery> {
        let at = |step| move |error: Error| judge(step, &error);
        let mut connection = self.connect(duration_max).await.map_err(at(Step::Sender))?;
        let (envelope, text) = (letter.envelope(), letter.formatted());
        let options = options(&connection, envelope, &text)?;
        let from = Mail::new(envelope.from().cloned(), options);
        connection.command(from).await.map_err(at(Step::Sender))?;
        for recipient in envelope.to() {
            let to = Rcpt::new(recipient.clone(), Vec::new());
            connection.command(to).await.map_err(at(Step::Recipient))?;
        }
        connection.command(Data).await.map_err(at(Step::Letter))?;
        connection.message(&text).await.map_err(at(Step::Letter))?;
        Ok(connection)
    }

    async fn connect(&self, duration_max: Duration) -> Result<AsyncSmtpConnection, Error> {
        let (address, name) = ((self.host.as_str(), self.port), ClientId::default());
        let tls = match &self.security {
            Security::FromTheStart(tls) => Some(tls.clone()),
            Security::StartTls(_) | Security::None => None,
        };
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(duration_max), &name, tls, None).await?;
        if let Security::StartTls(tls) = &self.security {
            connection.starttls(tls.clone(), &name).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// What the server has to know before it takes what is not ASCII.
fn options(
    connection: &AsyncSmtpConnection,
    envelope: &Envelope,
    text: &[u8],
) -> Result<Vec<MailParameter>, Delivery> {
    let can = |extension| connection.server_info().supports_feature(extension);
    let mut options = Vec::new();
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !can(Extension::SmtpUtfEight) {
            return Err(Delivery::refused("the server takes no address like this one"));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if !text.is_ascii() {
        if !can(Extension::EightBitMime) {
            return Err(Delivery::refused("the server takes no letter like this one"));
        }
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(options)
}

fn judge(step: Step, error: &Error) -> Delivery {
    match error.status().map(u16::from) {
        Some(code) => {
            let text = std::error::Error::source(error).map(ToString::to_string);
            judge_reply(step, code, &text.unwrap_or_default())
        }
        None if error.is_timeout() => Delivery::retry("it took too long"),
        None => Delivery::retry(error),
    }
}

/// The text may quote the address: only its status is told.
fn judge_reply(step: Step, code: u16, text: &str) -> Delivery {
    match policy_status(text) {
        // A policy may be about us, so it does not make an address wrong; or about this recipient, so it does not make the
        // server one that fails.
        Some(status) if !NOT_LET_IN.contains(&code) => {
            let why = format!("{code} {status}");
            match step {
                Step::Sender => Delivery::retry(why),
                Step::Recipient | Step::Letter => Delivery::not_now(why),
            }
        }
        Some(_) | None => judge_code(step, code),
    }
}

/// The enhanced status with which a reply begins, if it is one of security or policy (RFC 3463: 5.7.x).
fn policy_status(text: &str) -> Option<&str> {
    let status = text.split_whitespace().next()?;
    let detail = status.strip_prefix("5.7.")?;
    let is_detail = (1..=3).contains(&detail.len()) && detail.bytes().all(|byte| byte.is_ascii_digit());
    is_detail.then_some(status)
}

fn judge_code(step: Step, code: u16) -> Delivery {
    match step {
        Step::Recipient | Step::Letter if REFUSALS.contains(&code) => Delivery::refused(code),
        // The server works: others get their letters.
        Step::Recipient if !NOT_LET_IN.contains(&code) => Delivery::not_now(code),
        Step::Sender | Step::Recipient | Step::Letter => Delivery::retry(code),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// What becomes of a letter when the server says this of its recipient.
    async fn handed_over(answer: &'static str) -> Delivery {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::task::spawn_blocking(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(b"220 mail.example.com\r\n").unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|length| length > 0) {
                let reply = if line.starts_with("RCPT") { answer } else { "250 mail.example.com" };
                stream.get_mut().write_all(format!("{reply}\r\n").as_bytes()).unwrap();
                line.clear();
            }
        });
        let server =
            Server { host: "127.0.0.1".to_owned(), port, security: Security::None, credentials: None };
        let letter = Message::builder()
            .from("park@example.com".parse().unwrap())
            .to("guest@example.org".parse().unwrap())
            .body("Now.".to_owned())
            .unwrap();
        let delivery = server.hand_over(&letter, Duration::from_secs(20)).await;
        serving.await.unwrap();
        delivery
    }

    #[tokio::test]
    async fn what_a_policy_keeps_out_is_neither_given_up_nor_a_failure_of_the_server() {
        for (answer, expected) in [
            ("550 5.7.1 guest@example.org: you are on a list", Delivery::not_now("550 5.7.1")),
            ("550-5.7.26 Not from\r\n550 5.7.26 you", Delivery::not_now("550 5.7.26")),
            ("550 5.1.1 guest@example.org: nobody", Delivery::refused(550)),
            ("550 nobody", Delivery::refused(550)),
        ] {
            assert_eq!(handed_over(answer).await, expected, "{answer}");
        }
    }

    #[test]
    fn a_status_of_policy_makes_no_refusal_on_any_step() {
        for code in REFUSALS.into_iter().chain([554]) {
            let why = format!("{code} 5.7.1");
            assert_eq!(judge_reply(Step::Sender, code, "5.7.1 no"), Delivery::retry(&why));
            for step in [Step::Recipient, Step::Letter] {
                assert_eq!(judge_reply(step, code, "5.7.1 no"), Delivery::not_now(&why));
            }
        }
        for text in ["", "5.7", "5.7.", "5.7.x no", "5.7.1234 no", "15.7.1 no", "4.7.1 later", "no 5.7.1"] {
            assert_eq!(judge_reply(Step::Recipient, 550, text), Delivery::refused(550), "{text}");
        }
        for step in [Step::Sender, Step::Recipient, Step::Letter] {
            assert_eq!(
                judge_reply(step, 530, "5.7.0 who are you?"),
                Delivery::retry(530),
                "it is closed to us"
            );
        }
    }

    #[test]
    fn only_what_is_said_of_a_recipient_or_a_letter_refuses_it() {
        for code in REFUSALS {
            assert_eq!(judge_code(Step::Recipient, code), Delivery::refused(code));
            assert_eq!(judge_code(Step::Letter, code), Delivery::refused(code));
            assert_eq!(judge_code(Step::Sender, code), Delivery::retry(code), "of a quota, or of us");
        }
        for code in [421, 451, 452, 521, 530, 535, 554] {
            assert_eq!(judge_code(Step::Sender, code), Delivery::retry(code));
            assert_eq!(judge_code(Step::Letter, code), Delivery::retry(code));
        }
    }

    #[test]
    fn a_recipient_who_has_to_wait_is_no_failure_of_the_server() {
        for code in [450, 451, 452, 521, 554] {
            assert_eq!(judge_code(Step::Recipient, code), Delivery::not_now(code));
        }
        for code in [421, 530, 535] {
            assert_eq!(judge_code(Step::Recipient, code), Delivery::retry(code), "it is closed to us");
        }
    }
}
