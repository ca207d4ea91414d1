//! Which addresses a node may listen at and give out.

use holdfast_raft::net::{is_address, is_everywhere, is_loopback};

use crate::exit::Exit;
use crate::settings::Settings;

/// Makes sure that addresses are addresses, and that nobody listens beyond this machine unawares. Other nodes are always
/// spoken to in TLS.
pub(crate) fn check(settings: &Settings, is_insecure: bool) -> Result<(), Exit> {
    for name in ["listen", "peer_listen", "admin_listen", "advertise", "peer_advertise"] {
        let address = settings.text(name);
        if !(is_address(address) || address.is_empty() && name.ends_with("advertise")) {
            return Err(Exit::usage(format!("{name} is {address:?}, which is not HOST:PORT")));
        }
    }
    for name in ["listen", "admin_listen"] {
        let address = settings.text(name);
        if !is_loopback(address) && !is_insecure && settings.text("tls.cert").is_empty() {
            return Err(Exit::usage(format!(
                "{name} is {address}, which others than this machine can reach, and there is no TLS: give --tls-cert and \
                 --tls-key, or say --insecure if the network is trusted"
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags: Vec<_> = flags.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
        Settings::load(None, std::iter::empty(), &flags).unwrap()
    }

    #[test]
    fn listening_beyond_this_machine_takes_a_word() {
        for name in ["listen", "admin_listen"] {
            let settings = settings(&[(name, "10.0.0.1:3000")]);
            let refused = check(&settings, false).unwrap_err();
            assert_eq!(refused.code(), 2);
            assert!(refused.to_string().contains("--insecure"), "{refused}");
            assert!(check(&settings, true).is_ok());
        }
        assert!(check(&settings(&[]), false).is_ok());
        assert!(check(&settings(&[("peer_listen", "10.0.0.1:3000")]), false).is_ok(), "always TLS");
        let secured = [("listen", "10.0.0.1:3000"), ("admin_listen", "[::]:1"), ("tls.cert", "cert.pem")];
        assert!(check(&settings(&secured), false).is_ok());
    }

    #[test]
    fn what_is_no_address_is_named() {
        for name in ["listen", "peer_listen", "admin_listen", "advertise", "peer_advertise"] {
            for wrong in [
                "127.0.0.1",
                "127.0.0.1:",
                "127.0.0.1:notaport",
                ":3000",
                "[::1:3000",
                "a b:1",
                "h:+1",
                "h:70000",
            ] {
                let refused = check(&settings(&[(name, wrong)]), true).unwrap_err();
                assert!(refused.code() == 2 && refused.to_string().contains(wrong), "{refused}");
            }
            for right in ["127.0.0.1:0", "[::1]:3000", "node-1.example.com:65535", "localhost:1"] {
                assert!(check(&settings(&[(name, right)]), true).is_ok(), "{right}");
            }
        }
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
