//! HOST:PORT, as settings and members write it.

use std::net::IpAddr;

/// A host's name (RFC 1035), a colon and a port.
const ADDRESS_BYTES_MAX: usize = 253 + 6;

/// Whether something is HOST:PORT.
#[must_use]
pub fn is_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_host = match is_bracketed {
        true => ip(address).is_some_and(|ip| ip.is_ipv6()),
        false => {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    is_host && !port.starts_with('+') && port.parse::<u16>().is_ok() && address.len() <= ADDRESS_BYTES_MAX
}

/// Whether HOST:PORT is an address of this machine alone.
#[must_use]
pub fn is_loopback(address: &str) -> bool {
    host(address) == "localhost" || ip(address).is_some_and(|ip| ip.is_loopback())
}

/// Whether HOST:PORT is every address of a machine, and so tells nobody where to find it.
#[must_use]
pub fn is_everywhere(address: &str) -> bool {
    host(address).is_empty() || ip(address).is_some_and(|ip| ip.is_unspecified())
}

fn ip(address: &str) -> Option<IpAddr> {
    host(address).parse().ok()
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_what_only_this_machine_reaches() {
        for loopback in ["127.0.0.1:3000", "127.9.9.9:1", "[::1]:3000", "localhost:3000"] {
            assert!(is_loopback(loopback), "{loopback}");
        }
        for beyond in ["0.0.0.0:3000", "[::]:3000", "10.0.0.1:3000", "example.com:3000", ":3000"] {
            assert!(!is_loopback(beyond), "{beyond}");
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port_and_no_longer_than_those_are() {
        let longest = format!("{}:65535", "a".repeat(253));
        for right in ["127.0.0.1:0", "[::1]:3000", "node-1.example.com:65535", "localhost:1", &longest] {
            assert!(is_address(right), "{right}");
        }
        let too_long = format!("{}:65535", "a".repeat(254));
        let wrong = ["127.0.0.1", "127.0.0.1:", "h:port", ":3000", "[::1:3000", "a b:1", "h:+1", "h:70000"];
        for wrong in wrong.into_iter().chain(["h\n:1", "h\u{1b}[2J:1", "https://h:1", &too_long]) {
            assert!(!is_address(wrong), "{wrong:?}");
        }
        assert!(is_everywhere("0.0.0.0:1") && is_everywhere("[::]:1") && !is_everywhere("10.0.0.1:1"));
    }
}
