//! One of every kind that came with codes, scans and histories.

use holdfast_reservations::*;

const AT: Timestamp = Timestamp(1_800_000_000_000);
const BOOKING: BookingId = BookingId(70_000);
const BY: UserId = UserId(300);
const KEY: NodeKeyId = NodeKeyId { node: 3, generation: 2 };

fn codes() -> [IssuedCode; 2] {
    let signers = vec![KEY, NodeKeyId { node: 300, generation: 1 }];
    let first = IssuedCode { revision: 1, signers, issued_at: AT };
    let void = IssuedCode { revision: 300, signers: Vec::new(), issued_at: AT };
    [first, void]
}

fn admissions() -> [Admission; 2] {
    let code = Some(ScannedCode { revision: 2, signer: KEY });
    let (place, nonce) = (Some("north gate".to_owned()), Some("0001".to_owned()));
    let full = Admission { at: AT, by: BY, place, nonce, code, override_reason: Some("late".to_owned()) };
    let bare = Admission { at: AT, by: BY, place: None, nonce: None, code: None, override_reason: None };
    [full, bare]
}

fn history() -> [HistoryEntry; 2] {
    let revision = Revision { index: 1042, ordinal: 3 };
    let (by, reason) = (ChangedBy::User(BY), Some("wrong gate".to_owned()));
    [
        HistoryEntry { revision, at: AT, by, kind: Some(BookingEvent::Changed), reason },
        HistoryEntry { revision, at: AT, by: ChangedBy::Cluster, kind: None, reason: None },
    ]
}

fn revoked() -> [RevokedNodeKey; 2] {
    let sweeps = [CodeSweep::Sweeping { behind: BOOKING }, CodeSweep::Done];
    sweeps.map(|sweep| RevokedNodeKey { revoked_at: AT, revoked_by: BY, sweep })
}

pub fn rows() -> Vec<(Key, Row)> {
    let mut rows = vec![(Key::Due(AT, DueKind::NodeKeyRevoked, 3), Row::Index)];
    let ids = || (7..).map(BookingId);
    rows.extend(ids().zip(codes()).map(|(id, row)| (Key::Code(id), Row::Code(row.into()))));
    rows.extend(ids().zip(admissions()).map(|(id, row)| (Key::Admission(id), Row::Admission(row.into()))));
    rows.extend(
        (1..).zip(history()).map(|(version, row)| (Key::History(BOOKING, version), Row::History(row.into()))),
    );
    rows.extend(
        (1..)
            .zip(revoked())
            .map(|(generation, row)| (Key::RevokedNodeKey(3, generation), Row::RevokedNodeKey(row.into()))),
    );
    rows
}

pub fn commands() -> Vec<Command> {
    let [full, bare] = admissions().map(|admission| {
        let Admission { place, nonce, code, override_reason, .. } = admission;
        let scanned_at = nonce.is_some().then_some(AT);
        let expected_version = place.is_some().then_some(7);
        Scan { booking: BOOKING, code, nonce, place, override_reason, scanned_at, expected_version }
    });
    vec![
        Command::IssueCode(IssueCode { booking: BOOKING, signer: KEY, is_reissue: false }),
        Command::IssueCode(IssueCode { booking: BOOKING, signer: KEY, is_reissue: true }),
        Command::Scan(full),
        Command::Scan(bare),
        Command::UndoScan(UndoScan {
            booking: BOOKING,
            reason: "wrong gate".to_owned(),
            expected_version: Some(2),
        }),
        Command::RevokeNodeKey(RevokeNodeKey { key: KEY }),
    ]
}

pub fn outcomes() -> Vec<Outcome> {
    let rejections = [
        Rejection::AlreadyUsedAt { used_at: AT, used_by: BY, place: "north gate".to_owned() },
        Rejection::CodeStale { current: 2 },
        Rejection::CodeRevoked,
        Rejection::NotUsed,
        Rejection::NodeKeyRevoked(KEY),
        Rejection::NodeKeyNotFound(KEY),
    ];
    let codes = codes().map(|code| Outcome::Code(BOOKING, code)).into_iter();
    let keys = revoked().map(|revoked| Outcome::NodeKeyRevoked(KEY, revoked));
    codes.chain(keys).chain(rejections.map(Outcome::Rejected)).collect()
}
