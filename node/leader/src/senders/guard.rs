//! The guard: webhooks are sent to public addresses only, whatever their names resolve to at the moment of connecting.

use std::net::SocketAddr;

use holdfast_reservations::{WEBHOOK_URL_MAX, WebhookAddress, WebhookUrlError, is_public_address};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The URL of a webhook, if it may be one: see [`WebhookAddress::check`].
pub(super) fn parse(url: &str, allow_private: bool) -> Result<Url, WebhookUrlError> {
    if url.len() > WEBHOOK_URL_MAX {
        return Err(WebhookUrlError::TooLong);
    }
    let url = Url::parse(url).map_err(|_| WebhookUrlError::NotAUrl)?;
    let address = WebhookAddress {
        scheme: url.scheme(),
        user: url.username(),
        password: url.password(),
        host: url.host_str(),
    };
    address.check(allow_private)?;
    Ok(url)
}

/// Resolves names to public addresses only. The connection is made to what this returns, so a name that resolves to
/// something else the next time changes nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public = public_of(found)?;
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

fn public_of(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, WebhookUrlError> {
    let public: Vec<_> = found.into_iter().filter(|address| is_public_address(address.ip())).collect();
    if public.is_empty() { Err(WebhookUrlError::NotPublic) } else { Ok(public) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_judged_before_anything_is_connected() {
        let of = |url: &str| parse(url, false).map(drop);
        assert_eq!(of("https://hooks.example.com/x?y=z"), Ok(()));
        assert_eq!(of("https://1.1.1.1:8443/"), Ok(()));
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://127。0。0。1/",
        ] {
            assert_eq!(of(url), Err(WebhookUrlError::NotPublic), "{url}");
        }
        assert_eq!(of("http://hooks.example.com/"), Err(WebhookUrlError::NotSecured));
        assert_eq!(of("file:///etc/passwd"), Err(WebhookUrlError::NotSecured));
        assert_eq!(of("https://user@hooks.example.com/"), Err(WebhookUrlError::NamesAUser));
        assert_eq!(of("hooks.example.com"), Err(WebhookUrlError::NotAUrl));
        assert_eq!(of(&format!("https://a.example/{}", "x".repeat(2048))), Err(WebhookUrlError::TooLong));
    }

    #[test]
    fn private_targets_are_taken_where_the_operator_says_so() {
        let of = |url: &str| parse(url, true).map(drop);
        assert_eq!(of("http://127.0.0.1:9000/hook"), Ok(()));
        assert_eq!(of("ftp://127.0.0.1/"), Err(WebhookUrlError::NotSecured));
        assert_eq!(of("https://a:b@127.0.0.1/"), Err(WebhookUrlError::NamesAUser));
    }

    #[test]
    fn of_what_a_name_resolves_to_only_the_public_addresses_are_used() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = vec![address("127.0.0.1:0"), address("8.8.8.8:0"), address("[fd00::1]:0")];
        assert_eq!(public_of(found), Ok(vec![address("8.8.8.8:0")]));
        assert_eq!(public_of(vec![address("10.0.0.1:0")]), Err(WebhookUrlError::NotPublic));
    }

    #[tokio::test]
    async fn the_name_of_this_machine_resolves_to_nothing() {
        let resolved = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
    }
}
