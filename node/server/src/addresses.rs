//! Which addresses a node may listen at and give out.

use std::net::IpAddr;

use crate::exit::Exit;
use crate::settings::Settings;

/// Makes sure that nobody listens beyond this machine unawares.
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
    Ok(())
}

/// What is amiss with what others are told to connect to.
pub(crate) fn warnings(settings: &Settings) -> Vec<String> {
    let clients = told(settings, ["listen", "advertise"], "--advertise", "clients");
    let nodes = told(settings, ["peer_listen", "peer_advertise"], "--peer-advertise", "other nodes");
    clients.into_iter().chain(nodes).collect()
}

fn told(
    settings: &Settings,
    [listen, advertise]: [&'static str; 2],
    flag: &str,
    whom: &str,
) -> Option<String> {
    let name = if settings.text(advertise).is_empty() { listen } else { advertise };
    let address = settings.text(name);
    is_everywhere(address).then(|| {
        format!(
            "{name} is {address}, which is every address of this machine and tells {whom} nothing; say {flag} HOST:PORT \
             with an address at which they reach this node"
        )
    })
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

    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags: Vec<_> = flags.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
        Settings::load(None, std::iter::empty(), &flags).unwrap()
    }

    #[test]
    fn listening_beyond_this_machine_takes_a_word() {
        for name in ["listen", "peer_listen", "admin_listen"] {
            let settings = settings(&[(name, "10.0.0.1:3000")]);
            let refused = check(&settings, false).unwrap_err();
            assert_eq!(refused.code(), 2);
            assert!(refused.to_string().contains("--insecure"), "{refused}");
            assert!(check(&settings, true).is_ok());
        }
        assert!(check(&settings(&[]), false).is_ok());
    }

    #[test]
    fn who_listens_everywhere_is_told_to_say_where_he_is_found() {
        for (listen, advertise, flag) in
            [("listen", "advertise", "--advertise"), ("peer_listen", "peer_advertise", "--peer-advertise")]
        {
            for everywhere in ["0.0.0.0:3000", "[::]:3000"] {
                let says = warnings(&settings(&[(listen, everywhere)]));
                let expected = format!("{listen} is {everywhere}");
                assert!(says[0].starts_with(&expected) && says[0].contains(&format!("{flag} HOST:PORT")));
                let told = [(listen, everywhere), (advertise, "10.0.0.1:3000")];
                assert_eq!(warnings(&settings(&told)), Vec::<String>::new());
                assert_eq!(warnings(&settings(&[(listen, "10.0.0.1:1"), (advertise, everywhere)])).len(), 1);
            }
        }
        let rest = [("listen", "10.0.0.1:3000"), ("admin_listen", "0.0.0.0:3002")];
        assert_eq!(warnings(&settings(&rest)), Vec::<String>::new());
    }
}
