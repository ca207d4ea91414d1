//! Which addresses a node may listen at and give out.

use std::net::IpAddr;

use crate::exit::Exit;
use crate::settings::Settings;

/// Makes sure that nobody listens beyond this machine unawares, and that what others are told leads here.
pub(crate) fn check(settings: &Settings, is_insecure: bool) -> Result<(), Exit> {
    for name in ["listen", "peer_listen", "admin_listen"] {
        let address = settings.text(name);
        if !is_loopback(address) && !is_insecure {
            return Err(Exit::usage(format!(
                "{name} is {address}, which others than this machine can reach, and there is no TLS; if the network is \
                 trusted, say --insecure"
            )));
        }
    }
    told(settings, ["listen", "advertise"], "--advertise", "clients")?;
    told(settings, ["peer_listen", "peer_advertise"], "--peer-advertise", "other nodes")
}

/// Makes sure that what somebody is told to connect to is one place.
fn told(
    settings: &Settings,
    [listen, advertise]: [&'static str; 2],
    flag: &str,
    whom: &str,
) -> Result<(), Exit> {
    let name = if settings.text(advertise).is_empty() { listen } else { advertise };
    let address = settings.text(name);
    match is_everywhere(address) {
        false => Ok(()),
        true => Err(Exit::usage(format!(
            "{name} is {address}, which is every address of this machine and tells {whom} nothing; say {flag} HOST:PORT \
             with an address at which they reach this node"
        ))),
    }
}

/// Whether an address is reachable from this machine only.
pub(crate) fn is_loopback(address: &str) -> bool {
    host(address) == "localhost" || ip(address).is_some_and(|ip| ip.is_loopback())
}

fn is_everywhere(address: &str) -> bool {
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

    fn refused(flags: &[(&'static str, &str)], is_insecure: bool) -> Option<String> {
        let flags: Vec<_> = flags.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
        let settings = Settings::load(None, std::iter::empty(), &flags).unwrap();
        check(&settings, is_insecure).err().map(|exit| format!("{} {exit}", exit.code()))
    }

    #[test]
    fn who_listens_everywhere_says_where_he_is_found() {
        for (listen, advertise, flag) in
            [("listen", "advertise", "--advertise"), ("peer_listen", "peer_advertise", "--peer-advertise")]
        {
            for everywhere in ["0.0.0.0:3000", "[::]:3000"] {
                let says = refused(&[(listen, everywhere)], true).unwrap();
                let expected = format!("2 {listen} is {everywhere}");
                assert!(says.starts_with(&expected) && says.contains(&format!("{flag} HOST:PORT")), "{says}");
                assert_eq!(refused(&[(listen, everywhere), (advertise, "10.0.0.1:3000")], true), None);
                assert!(refused(&[(listen, "10.0.0.1:1"), (advertise, everywhere)], true).is_some());
                let says = refused(&[(listen, everywhere)], false).unwrap();
                assert!(says.contains("--insecure"), "{says}");
            }
        }
        assert_eq!(refused(&[("listen", "10.0.0.1:3000"), ("admin_listen", "0.0.0.0:3002")], true), None);
        assert_eq!(refused(&[], false), None);
    }
}
