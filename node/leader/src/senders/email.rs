//! E-mail through a mail server of the operator's.

mod session;

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use reqwest::Url;

use self::session::{Security, Server};
use super::message::{Delivery, Message, Target};
use super::settings::{EmailSettings, Settings, SettingsError, read};
use super::{Sender, Sending, templates};

const URL: &str = "notifications.email.url";
const PASSWORD_FILE: &str = "notifications.email.password_file";

/// Sends to mailboxes.
pub struct Email {
    server: Server,
    from: Mailbox,
    send_duration_max: Duration,
}

/// The schemes of URLs.
enum Scheme {
    Smtps,
    StartTls,
    Smtp,
}

impl Email {
    /// # Errors
    ///
    /// A setting that cannot be used.
    pub fn new(server: &EmailSettings, settings: &Settings) -> Result<Self, SettingsError> {
        let from = server.from.parse::<Mailbox>();
        let from = from.map_err(|error| SettingsError::new("notifications.email.from", error))?;
        let url = Url::parse(&server.url).map_err(|error| SettingsError::new(URL, error))?;
        let (scheme, port) = scheme(&url)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let security = match scheme {
            Scheme::Smtps => Security::FromTheStart(parameters(&host, settings)?),
            Scheme::StartTls => Security::StartTls(parameters(&host, settings)?),
            Scheme::Smtp => Security::None,
        };
        let credentials = (!server.user.is_empty()).then(|| credentials(server)).transpose()?;
        let server = Server { host, port: url.port().unwrap_or(port), security, credentials };
        Ok(Self { server, from, send_duration_max: settings.send_duration_max })
    }

    async fn mail(&self, message: &Message, address: &str) -> Delivery {
        match self.letter(message, address) {
            Ok(letter) => self.server.hand_over(&letter, self.send_duration_max).await,
            Err(why) => Delivery::refused(why),
        }
    }

    fn letter(&self, message: &Message, address: &str) -> Result<lettre::Message, String> {
        let address = address.parse().map_err(|_| "the address is none")?;
        let text = templates::fill(message);
        let id = format!("<{}@{}>", message.uuid().simple(), self.from.email.domain());
        let language = HeaderName::new_from_ascii_str("Content-Language");
        // Automatic replies are for people only.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let event = HeaderName::new_from_ascii_str("X-Holdfast-Event");
        lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(&text.title)
            .date(UNIX_EPOCH + Duration::from_millis(message.occurred_at_ms))
            .message_id(Some(id))
            .raw_header(HeaderValue::new(language, text.language.to_owned()))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .raw_header(HeaderValue::new(event, message.event_id.clone()))
            .header(ContentType::TEXT_PLAIN)
            .body(text.with_code())
            .map_err(|error| error.to_string())
    }
}

impl Sender for Email {
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a> {
        Box::pin(async move {
            match &message.target {
                Target::Email { address } => self.mail(message, address).await,
                Target::Apns { .. } | Target::Fcm { .. } | Target::Webhook { .. } | Target::Log => {
                    Delivery::refused("it is not for a mailbox")
                }
            }
        })
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Email(from {} through {})", self.from, self.server)
    }
}

/// How the URL wants the server to be spoken to, and the port that is usual for that.
fn scheme(url: &Url) -> Result<(Scheme, u16), SettingsError> {
    let wrong = |problem: &str| Err(SettingsError::new(URL, problem));
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("user and password have settings of their own");
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        _ if host.is_empty() => wrong("it names no host"),
        "smtps" => Ok((Scheme::Smtps, 465)),
        "smtp+starttls" => Ok((Scheme::StartTls, 587)),
        "smtp" if is_here => Ok((Scheme::Smtp, 25)),
        "smtp" => wrong("without TLS it has to be this machine; use smtps:// or smtp+starttls://"),
        _ => wrong("it begins with smtps://, smtp+starttls:// or smtp://"),
    }
}

fn parameters(host: &str, settings: &Settings) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = settings.own_authorities()? {
        let certificate = Certificate::from_pem(pem.as_bytes());
        let certificate = certificate.map_err(|error| SettingsError::new("notifications.ca_file", error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| SettingsError::new(URL, error))
}

fn credentials(server: &EmailSettings) -> Result<Credentials, SettingsError> {
    let file = server.password_file.as_deref();
    let file = file.ok_or_else(|| SettingsError::new(PASSWORD_FILE, "it is missing"))?;
    let password = read(PASSWORD_FILE, file)?;
    let password = password.reveal().trim_end_matches(['\r', '\n']).to_owned();
    Ok(Credentials::new(server.user.clone(), password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<Email, SettingsError> {
        let server = EmailSettings {
            url: url.to_owned(),
            from: "Park <park@example.com>".to_owned(),
            user: String::new(),
            password_file: None,
        };
        Email::new(&server, &Settings::default())
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_over_tls_only() {
        for url in
            ["smtps://mail.example.com", "smtp+starttls://mail.example.com:2587", "smtp://127.0.0.1:25"]
        {
            assert!(of(url).is_ok(), "{url}");
        }
        assert!(of("smtp://localhost").is_ok() && of("smtp://[::1]:2525").is_ok());
        for url in
            ["smtp://mail.example.com", "http://mail.example.com", "smtps://a:b@mail.example.com", "mail"]
        {
            assert!(of(url).is_err_and(|error| error.to_string().starts_with(URL)), "{url}");
        }
    }
}
