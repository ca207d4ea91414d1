//! Every setting, its default, and what it may be.

use holdfast_leader::senders::{ApnsSettings, FcmSettings};

/// A setting.
pub(super) struct Setting {
    /// Its name in the file; `HOLDFAST_` and the same in capitals, with `_` for `.`, in the environment.
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) allowed: Allowed,
    pub(super) about: &'static str,
}

/// What a setting may be, beyond what its type says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Text,
    /// Beyond these a node would start and then do harm.
    Numbers {
        min: u64,
        max: u64,
    },
    NumbersOrNothing {
        min: u64,
        max: u64,
    },
    TrueOrFalse,
}

use Allowed::{Numbers, NumbersOrNothing, Text, TrueOrFalse};

/// Every setting. Tests of expiry, and of being overtaken by a snapshot, need small numbers.
pub(super) const SETTINGS: [Setting; 36] = [
    setting("listen", "127.0.0.1:3000", Text, "where clients connect, HTTP and gRPC"),
    setting("peer_listen", "127.0.0.1:3001", Text, "where other nodes connect"),
    setting("admin_listen", "127.0.0.1:3002", Text, "where operators' tools connect"),
    setting("advertise", "", Text, "what clients are told to connect to; empty is the address of `listen`"),
    setting(
        "peer_advertise",
        "",
        Text,
        "what other nodes are told to connect to; empty is the address of `peer_listen`",
    ),
    setting(
        "public_url",
        "",
        Text,
        "where clients find the cluster, for URLs it gives out; empty is `advertise`, with `https://` or `http://`, and reminders have no link",
    ),
    setting(
        "tls.cert",
        "",
        Text,
        "a file with the certificate that clients and operators' tools are shown, in PEM; empty is no TLS",
    ),
    setting("tls.key", "", Text, "a file with its private key, in PEM; only its owner may read it"),
    setting("log", "info", Text, "what is logged: a level, or filters of the tracing crates"),
    setting(
        "auth.access_token_seconds",
        "900",
        Numbers { min: 1, max: 86_400 },
        "how long an access token is valid; the same on all nodes",
    ),
    setting(
        "auth.login_failures",
        "5",
        Numbers { min: 0, max: 1_000_000 },
        "wrong passwords for an account from one address before it has to wait; 0 never",
    ),
    setting(
        "auth.address_failures",
        "100",
        Numbers { min: 0, max: 1_000_000 },
        "wrong passwords from one address before it has to wait; 0, behind a proxy, never",
    ),
    setting(
        "auth.login_wait_seconds",
        "900",
        Numbers { min: 1, max: 86_400 },
        "the longest wait after wrong passwords; it begins at a second and doubles",
    ),
    setting(
        "facade.deadline_ms",
        "5000",
        Numbers { min: 1, max: 10_000 },
        "how long a call may take if its caller does not say",
    ),
    setting(
        "facade.trust_declared_identity",
        "false",
        TrueOrFalse,
        "whether callers of seeds S2 and S3, who have no log-in, are believed who they say they are; never on a network \
         you do not trust",
    ),
    setting(
        "payments.webhook_secrets_file",
        "",
        Text,
        "a file with what payment providers sign their webhooks with, `whsec_...`, one on a line; empty takes none",
    ),
    setting(
        "notifications.apns.key_file",
        "",
        Text,
        "a file with the key that signs for Apple's push notifications, as Apple gives it out (`.p8`); empty sends none",
    ),
    setting("notifications.apns.key_id", "", Text, "the id of that key"),
    setting("notifications.apns.team_id", "", Text, "whose key it is"),
    setting("notifications.apns.topic", "", Text, "the bundle id of the app"),
    setting("notifications.apns.url", ApnsSettings::URL, Text, "where Apple takes them"),
    setting(
        "notifications.fcm.service_account_file",
        "",
        Text,
        "a file with the key of a service account for Firebase Cloud Messaging, as Google gives it out (JSON); empty \
         sends none",
    ),
    setting("notifications.fcm.url", FcmSettings::URL, Text, "where Firebase takes them"),
    setting(
        "notifications.email.url",
        "",
        Text,
        "the mail server: `smtps://HOST:PORT`, `smtp+starttls://HOST:PORT`, or `smtp://HOST:PORT` on this machine; empty \
         sends none",
    ),
    setting("notifications.email.from", "", Text, "who e-mail is from: `NAME <ADDRESS>`"),
    setting("notifications.email.user", "", Text, "who logs in to the mail server; empty is nobody"),
    setting("notifications.email.password_file", "", Text, "a file with his password"),
    setting(
        "notifications.log",
        "false",
        TrueOrFalse,
        "whether messages that no sender is set up for are written to the log and count as delivered; for development",
    ),
    setting(
        "notifications.ca_file",
        "",
        Text,
        "a file with authorities, in PEM, that senders and webhooks trust besides those of the machine",
    ),
    setting(
        "webhooks.allow_private",
        "false",
        TrueOrFalse,
        "whether webhooks may be sent to loopback and private addresses, and without TLS",
    ),
    setting(
        "limits.user_rate",
        "0",
        Numbers { min: 0, max: 1_000_000 },
        "calls a second of one user, more are answered 429; 0 is no limit",
    ),
    setting(
        "limits.address_rate",
        "0",
        Numbers { min: 0, max: 1_000_000 },
        "calls a second from one network address; 0 is no limit",
    ),
    setting(
        "raft.snapshot_entries",
        "50000",
        Numbers { min: 1, max: 1_000_000_000 },
        "a snapshot is made after so many applied entries",
    ),
    setting(
        "raft.snapshot_log_bytes",
        "536870912",
        Numbers { min: 1 << 20, max: 1 << 40 },
        "and when the log has grown to so many bytes",
    ),
    setting(
        "raft.keep_entries",
        "",
        NumbersOrNothing { min: 0, max: 1_000_000_000 },
        "entries kept behind a snapshot; empty is a tenth of `raft.snapshot_entries`",
    ),
    setting(
        "state.rows_cached",
        "200000",
        Numbers { min: 0, max: 100_000_000 },
        "decoded rows kept in memory",
    ),
];

const fn setting(
    name: &'static str,
    default: &'static str,
    allowed: Allowed,
    about: &'static str,
) -> Setting {
    Setting { name, default, allowed, about }
}

impl Allowed {
    pub(super) fn words(self) -> String {
        match self {
            Text => "any text".to_owned(),
            TrueOrFalse => "true or false".to_owned(),
            Numbers { min, max } => format!("a number from {min} to {max}"),
            NumbersOrNothing { min, max } => format!("empty or a number from {min} to {max}"),
        }
    }
}

/// What a setting may be.
pub(super) fn allowed(name: &str) -> Allowed {
    SETTINGS.iter().find(|known| known.name == name).map_or(Text, |known| known.allowed)
}
