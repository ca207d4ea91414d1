//! Who sends notifications for this node, as the settings say.

use std::path::PathBuf;

use holdfast_leader::senders::{self, ApnsSettings, EmailSettings, FcmSettings, Senders};

use crate::exit::Exit;
use crate::settings::Settings;

/// The senders, with their keys read.
pub(crate) fn senders(settings: &Settings) -> Result<Senders, Exit> {
    Senders::new(&senders_settings(settings)?).map_err(Exit::usage)
}

/// Senders for a node to try things out on: what is sent is read in its log.
pub(crate) fn to_the_log() -> Result<Senders, Exit> {
    Senders::new(&senders::Settings { log: true, ..senders::Settings::default() }).map_err(Exit::usage)
}

fn senders_settings(settings: &Settings) -> Result<senders::Settings, Exit> {
    let text = |name| settings.text(name).to_owned();
    let file = |name| Some(settings.text(name)).filter(|file| !file.is_empty()).map(PathBuf::from);
    let apns = file("notifications.apns.key_file").map(|key_file| ApnsSettings {
        key_file,
        key_id: text("notifications.apns.key_id"),
        team_id: text("notifications.apns.team_id"),
        topic: text("notifications.apns.topic"),
        url: text("notifications.apns.url"),
    });
    let account = file("notifications.fcm.service_account_file");
    let fcm = account
        .map(|service_account_file| FcmSettings { service_account_file, url: text("notifications.fcm.url") });
    let email = file("notifications.email.url").map(|_| EmailSettings {
        url: text("notifications.email.url"),
        from: text("notifications.email.from"),
        user: text("notifications.email.user"),
        password_file: file("notifications.email.password_file"),
    });
    Ok(senders::Settings {
        apns,
        fcm,
        email,
        log: settings.choice("notifications.log")?,
        ca_file: file("notifications.ca_file"),
        allow_private_webhooks: settings.choice("webhooks.allow_private")?,
        ..senders::Settings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(environment: &[(&str, &str)]) -> Result<Senders, Exit> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        senders(&Settings::load(None, environment, &[])?)
    }

    #[test]
    fn nothing_is_needed_and_what_is_wrong_is_named() {
        assert!(of(&[]).is_ok());
        let wrong = [
            ("HOLDFAST_NOTIFICATIONS_APNS_KEY_FILE", "/none", "notifications.apns.key_file"),
            (
                "HOLDFAST_NOTIFICATIONS_FCM_SERVICE_ACCOUNT_FILE",
                "/none",
                "notifications.fcm.service_account_file",
            ),
            ("HOLDFAST_NOTIFICATIONS_EMAIL_URL", "smtps://mail.example.com", "notifications.email.from"),
            ("HOLDFAST_NOTIFICATIONS_CA_FILE", "/none", "notifications.ca_file"),
            ("HOLDFAST_NOTIFICATIONS_LOG", "perhaps", "notifications.log"),
            ("HOLDFAST_WEBHOOKS_ALLOW_PRIVATE", "perhaps", "webhooks.allow_private"),
        ];
        for (variable, value, name) in wrong {
            let Err(exit) = of(&[(variable, value)]) else { panic!("{variable} can be {value}") };
            assert!(exit.to_string().contains(name) && exit.code() == 2, "{exit}");
        }
    }
}
