//! What operators decide about the senders, and what may be wrong with it.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_native_certs::load_native_certs;

use super::secret::Secret;

/// An attempt that takes longer is given up, and made again later.
const SEND_DURATION_MAX: Duration = Duration::from_secs(10);

/// What is to be sent, and through whom.
#[derive(Clone, Debug)]
pub struct Settings {
    pub apns: Option<ApnsSettings>,
    pub fcm: Option<FcmSettings>,
    pub email: Option<EmailSettings>,
    /// Whether what no other sender is configured for is written to the node's log, and counts as delivered.
    pub log: bool,
    /// Authorities in PEM who are trusted besides those of the machine.
    pub ca_file: Option<PathBuf>,
    /// Whether webhooks may be on loopback and private networks, and without TLS.
    pub allow_private_webhooks: bool,
    pub send_duration_max: Duration,
}

/// An account at Apple.
#[derive(Clone, Debug)]
pub struct ApnsSettings {
    /// The signing key as Apple gives it out (`.p8`).
    pub key_file: PathBuf,
    pub key_id: String,
    pub team_id: String,
    /// The bundle id of the app.
    pub topic: String,
    pub url: String,
}

/// An account at Firebase.
#[derive(Clone, Debug)]
pub struct FcmSettings {
    /// The key of a service account as Google gives it out (JSON).
    pub service_account_file: PathBuf,
    pub url: String,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// `smtps://HOST:PORT`, `smtp+starttls://HOST:PORT`, or `smtp://HOST:PORT` for a server on this machine.
    pub url: String,
    pub from: String,
    /// Who logs in; nobody if it is empty.
    pub user: String,
    pub password_file: Option<PathBuf>,
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct SettingsError {
    setting: &'static str,
    problem: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            apns: None,
            fcm: None,
            email: None,
            log: false,
            ca_file: None,
            allow_private_webhooks: false,
            send_duration_max: SEND_DURATION_MAX,
        }
    }
}

impl ApnsSettings {
    /// Apple's own service.
    pub const URL: &str = "https://api.push.apple.com";
}

impl FcmSettings {
    /// Google's own service.
    pub const URL: &str = "https://fcm.googleapis.com";
}

impl SettingsError {
    pub(super) fn new(setting: &'static str, problem: impl Display) -> Self {
        Self { setting, problem: problem.to_string() }
    }
}

/// The text of a file that a setting names.
pub(super) fn read(setting: &'static str, file: &Path) -> Result<Secret, SettingsError> {
    let unreadable = |error| SettingsError::new(setting, format!("{}: {error}", file.display()));
    std::fs::read_to_string(file).map(Secret::from).map_err(unreadable)
}

impl Settings {
    /// Whether the senders trust anybody; says which authorities of the machine cannot be read.
    ///
    /// # Errors
    ///
    /// Nobody is trusted, and something is to be sent to those who have to be.
    pub(super) fn check_authorities(&self) -> Result<(), SettingsError> {
        for error in load_native_certs().errors {
            tracing::warn!(%error, "an authority of this machine cannot be read, so it is not trusted");
        }
        self.check_count(self.authorities()?.len())
    }

    fn check_count(&self, authorities: usize) -> Result<(), SettingsError> {
        let is_over_tls = |server: &EmailSettings| !server.url.starts_with("smtp://");
        let needs_some =
            self.apns.is_some() || self.fcm.is_some() || self.email.as_ref().is_some_and(is_over_tls);
        if authorities > 0 {
            return Ok(());
        }
        if needs_some {
            return Err(SettingsError::new(CA_FILE, NO_AUTHORITY));
        }
        tracing::warn!("{CA_FILE}: {NO_AUTHORITY}; until then webhooks fail");
        Ok(())
    }

    /// Whom the senders trust: the authorities of the machine, and those of a file.
    pub(super) fn authorities(&self) -> Result<RootCertStore, SettingsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(load_native_certs().certs);
        let Some(pem) = self.own_authorities()? else { return Ok(roots) };
        let unusable = |problem: String| SettingsError::new(CA_FILE, problem);
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
            count += 1;
        }
        if count == 0 { Err(unusable("it holds no certificate in PEM".to_owned())) } else { Ok(roots) }
    }

    /// The text of the file with authorities, if there is one.
    pub(super) fn own_authorities(&self) -> Result<Option<String>, SettingsError> {
        let text = self.ca_file.as_deref().map(|file| read(CA_FILE, file)).transpose()?;
        Ok(text.map(|text| text.reveal().to_owned()))
    }
}

const CA_FILE: &str = "notifications.ca_file";
const NO_AUTHORITY: &str =
    "it names no authority and this machine knows none: install the package ca-certificates, or name a file";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_trusts_nobody_can_send_nothing_over_tls_and_is_told() {
        let settings = |url: &str| {
            let url = url.to_owned();
            let email = EmailSettings { url, from: String::new(), user: String::new(), password_file: None };
            Settings { email: Some(email), ..Settings::default() }
        };
        let problem = settings("smtps://mail.example.com").check_count(0).unwrap_err().to_string();
        assert!(problem.starts_with("notifications.ca_file: "), "{problem}");
        assert!(problem.contains("ca-certificates"), "{problem}");
        let account = FcmSettings { service_account_file: PathBuf::new(), url: String::new() };
        let fcm = Settings { fcm: Some(account), ..Settings::default() };
        assert!(fcm.check_count(0).is_err() && fcm.check_count(1).is_ok());
        assert!(settings("smtp://localhost").check_count(0).is_ok(), "it is not over TLS");
        assert!(Settings::default().check_count(0).is_ok(), "there may be no webhook");
    }

    #[test]
    fn a_file_that_is_not_there_or_holds_nothing_is_named_with_its_setting() {
        let missing = Settings { ca_file: Some("/does/not/exist".into()), ..Settings::default() };
        assert!(missing.authorities().unwrap_err().to_string().starts_with("notifications.ca_file: /does"));
        let empty = tempfile::NamedTempFile::new().unwrap();
        let empty = Settings { ca_file: Some(empty.path().to_owned()), ..Settings::default() };
        assert!(empty.authorities().unwrap_err().to_string().contains("no certificate"));
    }
}
