//! The address of a webhook, judged before it is kept; the senders judge it again whenever they connect.

use holdfast_reservations::{WEBHOOK_URL_MAX, WebhookAddress, WebhookUrlError};
use url::Url;

use crate::problem::{Problem, Result};

/// The URL, as it was written, if it may be a webhook's.
pub(super) fn url_from(text: String, allow_private: bool) -> Result<String> {
    match check(&text, allow_private) {
        Ok(()) => Ok(text),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &WebhookUrlError) -> Problem {
    let what_helps = match error {
        WebhookUrlError::NotSecured | WebhookUrlError::NotPublic => {
            "; the setting webhooks.allow_private admits it on networks that are trusted"
        }
        WebhookUrlError::NotAUrl | WebhookUrlError::TooLong | WebhookUrlError::NamesAUser => "",
    };
    Problem::senseless(format!("url cannot be a webhook's: {error}{what_helps}"))
}

fn check(text: &str, allow_private: bool) -> std::result::Result<(), WebhookUrlError> {
    if text.len() > WEBHOOK_URL_MAX {
        return Err(WebhookUrlError::TooLong);
    }
    // What browsers leave out would be shown otherwise than it is meant.
    if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Err(WebhookUrlError::NotAUrl);
    }
    let url = Url::parse(text).map_err(|_| WebhookUrlError::NotAUrl)?;
    let address = WebhookAddress {
        scheme: url.scheme(),
        user: url.username(),
        password: url.password(),
        host: url.host_str(),
    };
    address.check(allow_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, allow_private: bool) -> std::result::Result<String, String> {
        url_from(url.to_owned(), allow_private).map_err(|problem| {
            assert_eq!((problem.status, problem.code), (422, "invalid"));
            problem.detail
        })
    }

    #[test]
    fn a_webhook_is_public_and_spoken_to_in_secret() {
        let url = "https://hooks.example.com/x?y=z";
        assert_eq!(of(url, false), Ok(url.to_owned()));
        for (url, says) in [
            ("http://hooks.example.com/", "https://"),
            ("https://127.0.0.1/", "not public"),
            ("https://0x7f.1/", "not public"),
            ("https://[::1]/", "not public"),
            ("https://user:x@hooks.example.com/", "a user"),
            ("hooks.example.com", "no URL"),
            ("https://hooks.example.com/a b", "no URL"),
            (" https://hooks.example.com/", "no URL"),
            ("https://", "no URL"),
            (&format!("https://a.example/{}", "x".repeat(2048)), "longer"),
        ] {
            let refused = of(url, false).unwrap_err();
            assert!(refused.contains(says), "{url}: {refused}");
        }
    }

    #[test]
    fn where_the_operator_trusts_his_network_it_need_not_be() {
        for url in ["http://127.0.0.1:9000/hook", "https://localhost/"] {
            assert_eq!(of(url, true), Ok(url.to_owned()));
        }
        assert!(of("ftp://127.0.0.1/", true).is_err() && of("http://a:b@127.0.0.1/", true).is_err());
    }
}
