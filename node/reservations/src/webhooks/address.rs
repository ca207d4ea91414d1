//! Which addresses a webhook may have: public ones, and such as are spoken to in secret. Whoever has taken a URL apart asks
//! here: the facade before it is kept, the senders again before anything is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::WEBHOOK_URL_MAX;

/// IPv4 networks that are no part of the public internet, each with the length of its prefix (IANA's registry).
const NOT_PUBLIC: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// Why a URL cannot be a webhook's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// It cannot be taken apart.
    #[error("it is no URL")]
    NotAUrl,
    /// It is too long to be kept.
    #[error("it is longer than {WEBHOOK_URL_MAX} characters")]
    TooLong,
    /// Anybody on the way could read what is sent.
    #[error("it does not begin with https://")]
    NotSecured,
    /// It would show a password to whoever reads it.
    #[error("it names a user or a password")]
    NamesAUser,
    /// It leads into somebody's own network.
    #[error("its address is not public")]
    NotPublic,
}

/// A URL that was taken apart as browsers do (WHATWG): numbers of every form (`0x7f.1`) are addresses by now.
#[derive(Clone, Copy, Debug)]
pub struct WebhookAddress<'a> {
    /// What stands before the colon.
    pub scheme: &'a str,
    /// The user and the password it names, if it does.
    pub user: &'a str,
    /// See [`WebhookAddress::user`].
    pub password: Option<&'a str>,
    /// The name or the address of the machine.
    pub host: Option<&'a str>,
}

impl WebhookAddress<'_> {
    /// Judges what can be judged without resolving a name; `allow_private` admits any address, and plain HTTP.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn check(&self, allow_private: bool) -> Result<(), WebhookUrlError> {
        let is_secured = self.scheme == "https" || (allow_private && self.scheme == "http");
        if !is_secured {
            return Err(WebhookUrlError::NotSecured);
        }
        if !self.user.is_empty() || self.password.is_some() {
            return Err(WebhookUrlError::NamesAUser);
        }
        // An address is never resolved.
        let host = self.host.ok_or(WebhookUrlError::NotAUrl)?;
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        if address.is_ok_and(|address| !allow_private && !is_public_address(address)) {
            return Err(WebhookUrlError::NotPublic);
        }
        Ok(())
    }
}

/// Whether an address is one of the public internet.
#[must_use]
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, length): (Ipv4Addr, u32)| {
        let differs = address.to_bits() ^ network.to_bits();
        differs.leading_zeros() >= length
    };
    !NOT_PUBLIC.into_iter().any(is_in)
}

/// Of IPv6 only what is known to be public: 2000::/3 without its exceptions, and public IPv4 behind a translator.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(first, second, third, fourth)
    };
    match (first, second) {
        // NAT64.
        (0x64, 0xff9b) => [third, fourth, fifth, sixth] == [0, 0, 0, 0] && is_public_v4(v4(seventh, eighth)),
        // Teredo and other assignments of protocols, and two networks for documents.
        (0x2001, 0..=0x1ff) | (0x2001, 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // 6to4 leads to the IPv4 address within.
        (0x2002, _) => is_public_v4(v4(second, third)),
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_known_in_every_form() {
        let not_public = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "3fff::1",
            "5f00::1",
        ];
        for address in not_public {
            assert!(!is_public_address(address.parse().unwrap()), "{address}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2002:808:808::1",
            "64:ff9b::8.8.8.8",
        ];
        for address in public {
            assert!(is_public_address(address.parse().unwrap()), "{address}");
        }
    }
}
