//! The words of scripts for codes, scans and keys.

use super::{Arguments, Stage, number};
use crate::*;

pub(super) fn command(verbs: &[&str], given: &Arguments<'_>) -> Option<Command> {
    let booking = |name: &str| BookingId(number(name));
    let expected_version = given.number("version").map(|version| version.try_into().unwrap());
    Some(match verbs {
        ["asks", "for", "code", name] => issue(booking(name), given, false),
        ["asks", "for", "another", "code", name] => issue(booking(name), given, true),
        ["scans", name] => Command::Scan(Scan {
            booking: booking(name),
            code: given.text("code").map(scanned),
            nonce: given.text("nonce").map(str::to_owned),
            place: given.text("place").map(str::to_owned),
            override_reason: given.text("override").map(str::to_owned),
            scanned_at: None,
            expected_version,
        }),
        ["undoes", "scan", name] => {
            let reason = given.text("reason").unwrap().to_owned();
            Command::UndoScan(UndoScan { booking: booking(name), reason, expected_version })
        }
        ["publishes", key] => {
            let NodeKeyId { node, generation } = key_named(key);
            let public_key = [node.try_into().unwrap(); 32];
            Command::RegisterNodeKey(RegisterNodeKey { node, generation, public_key })
        }
        ["retires", key] => {
            let NodeKeyId { node, generation } = key_named(key);
            Command::RetireNodeKeys(RetireNodeKeys { keys: vec![(node, generation)] })
        }
        ["revokes", key] => Command::RevokeNodeKey(RevokeNodeKey { key: key_named(key) }),
        _ => return None,
    })
}

fn issue(booking: BookingId, given: &Arguments<'_>, is_reissue: bool) -> Command {
    let signer = key_named(given.text("signer").unwrap());
    Command::IssueCode(IssueCode { booking, signer, is_reissue })
}

/// The key of `5-1` or `key:5-1`.
fn key_named(key: &str) -> NodeKeyId {
    let (node, generation) = key.rsplit(':').next().unwrap().split_once('-').unwrap();
    NodeKeyId { node: node.parse().unwrap(), generation: generation.parse().unwrap() }
}

/// Revision 2, signed by key 5-1, of `2/5-1`.
fn scanned(code: &str) -> ScannedCode {
    let (revision, key) = code.split_once('/').unwrap();
    ScannedCode { revision: revision.parse().unwrap(), signer: key_named(key) }
}

pub(super) fn describe_code(id: BookingId, code: &IssuedCode) -> String {
    let signers: Vec<String> = code.signers.iter().map(ToString::to_string).collect();
    format!("{id} code={} keys={} since={}", code.revision, signers.join(","), code.issued_at.0)
}

impl Stage {
    pub(super) fn look_at_admission(&self, id: BookingId) -> String {
        let Some(admission) = self.state.rows().row::<Admission>(id) else { return "nothing".into() };
        let Admission { at, by, place, nonce, override_reason, .. } = (*admission).clone();
        let more = [("place", place), ("nonce", nonce), ("override", override_reason)];
        let more: Vec<String> =
            more.into_iter().filter_map(|(name, value)| Some(format!(" {name}={}", value?))).collect();
        format!("at={} {by}{}", at.0, more.concat())
    }

    /// Newest first, read in pages of two.
    pub(super) fn tell_history(&self, id: BookingId) -> String {
        let mut told = Vec::new();
        let mut below = None;
        loop {
            let page = history(self.state.rows(), id, below, 2);
            let Some((last, _)) = page.last() else { return told.join(", ") };
            below = Some(*last);
            told.extend(page.iter().map(|(version, entry)| describe_entry(*version, entry)));
        }
    }
}

fn describe_entry(version: u32, entry: &HistoryEntry) -> String {
    let HistoryEntry { at, by, kind, reason, .. } = entry;
    let by = match by {
        ChangedBy::User(user) => user.to_string(),
        ChangedBy::Cluster => "cluster".into(),
    };
    let kind = kind.map_or_else(|| "queued".into(), |kind| format!("{kind:?}").to_lowercase());
    let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{version} {kind} at={} by {by}{reason}", at.0)
}
