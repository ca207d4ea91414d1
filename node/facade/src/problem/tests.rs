//! What outside programs rely on: status, code, whether to retry, and the words for people.

use expect_test::{Expect, expect};
use holdfast_reservations::{BookingId, PoolId, ResourceId, SlotId, UserId, VenueId};

use super::*;

const MOMENT: Timestamp = Timestamp(1_800_000_000_000);

fn check(problems: impl IntoIterator<Item = Problem>, expected: Expect) {
    let line = |problem: Problem| {
        let Problem { status, code, detail, extra, .. } = &problem;
        let retry = if problem.is_retryable() { "retry" } else { "final" };
        let extra =
            if extra.is_empty() { String::new() } else { format!(" {}", Value::Object(extra.clone())) };
        format!("{status} {code} {retry}: {detail}{extra}\n")
    };
    expected.assert_eq(&problems.into_iter().map(line).collect::<String>());
}

fn full(available: u32, sold_out_at: Option<Timestamp>, alternatives: &[u64]) -> Rejection {
    let alternatives = alternatives.iter().copied().map(SlotId).collect();
    Rejection::SlotFull(SlotFull { available, sold_out_at, alternatives })
}

#[test]
fn every_refusal_has_a_status_and_a_code() {
    let rejections = [
        Rejection::Unauthenticated,
        Rejection::Forbidden,
        Rejection::KeyReused,
        Rejection::KeyExpired,
        Rejection::KeyAhead,
        Rejection::TooManyKeys,
        Rejection::VenueNotFound(VenueId(1)),
        Rejection::ResourceNotFound(ResourceId(2)),
        Rejection::SlotNotFound(Some(SlotId(3))),
        Rejection::SlotNotFound(None),
        Rejection::PoolNotFound(PoolId(4)),
        Rejection::BookingNotFound(BookingId(5)),
        Rejection::UserNotFound(UserId(6)),
        Rejection::EmailTaken,
        Rejection::SessionInvalid,
        full(0, Some(MOMENT), &[]),
        full(2, None, &[]),
        full(0, Some(MOMENT), &[8, 9]),
        full(1, None, &[8]),
        Rejection::VersionMismatch { current: 7 },
        Rejection::AlreadyCancelled,
        Rejection::AlreadyUsed { used_at: MOMENT, used_by: UserId(6) },
        Rejection::TooEarly { opens_at: MOMENT },
        Rejection::TooLate { ended_at: MOMENT },
        Rejection::LastOperator,
        Rejection::Banned,
        Rejection::UserIsApp(UserId(6)),
        Rejection::AppNotFound(UserId(6)),
        Rejection::SecretNotFound(2),
        Rejection::TooManySecrets,
        Rejection::TooManyApps,
        Rejection::NoPassword,
        Rejection::Suspended,
    ];
    check(
        rejections.iter().map(rejected),
        expect![[r#"
            401 unauthenticated final: the token was revoked; log in again
            403 forbidden final: your role does not allow this call
            422 key_reused final: this idempotency key was used for another call; a new call needs a new key
            409 key_expired final: this idempotency key is so old that nobody knows whether it had an effect; look, then use a new key
            503 key_ahead retry: this idempotency key names a moment to come: your clock is ahead, or the cluster has not caught up with the time yet; nothing was done
            429 too_many_keys retry: all idempotency keys of this user are used up for now; wait, or call without a key
            404 venue_not_found final: there is no venue:1, or it is not yours
            404 resource_not_found final: there is no resource:2, or it is not yours
            404 slot_not_found final: there is no slot:3, or it is not yours
            404 slot_not_found final: there is no slot with this window, or it is not yours
            404 pool_not_found final: there is no pool:4 in this slot, or it is not yours
            404 booking_not_found final: there is no booking:5, or it is not yours
            404 user_not_found final: there is no user:6, or it is not yours
            409 email_taken final: somebody has signed up with this address
            401 session_invalid final: this refresh token has expired, was used before, or was revoked; log in again
            409 slot_full final: the slot is sold out {"alternatives":[],"available":0,"soldOutAt":"2027-01-15T08:00:00Z"}
            409 slot_full final: only 2 places are left {"alternatives":[],"available":2}
            409 slot_full final: the slot is sold out; the alternatives have room {"alternatives":[8,9],"available":0,"soldOutAt":"2027-01-15T08:00:00Z"}
            409 slot_full final: only 1 place is left; the alternatives have room {"alternatives":[8],"available":1}
            412 version final: the booking has changed; its version is 7 {"version":7}
            409 already_cancelled final: the booking was cancelled
            409 already_used final: the party was admitted at 2027-01-15T08:00:00Z by user 6 {"usedAt":"2027-01-15T08:00:00Z","usedBy":6}
            409 too_early final: parties are admitted from 2027-01-15T08:00:00Z {"opensAt":"2027-01-15T08:00:00Z"}
            409 too_late final: the slot ended at 2027-01-15T08:00:00Z {"endedAt":"2027-01-15T08:00:00Z"}
            409 last_operator final: nobody would be left to operate the cluster; make another operator first
            401 banned final: this account is banned; an operator can lift the ban
            409 user_is_app final: user:6 is an app: its role is fixed, and it has secrets instead of a password
            404 app_not_found final: there is no app 6, or it is not yours
            404 secret_not_found final: there is no secret 2 of this app, or it is not yours
            409 too_many_secrets final: an app has at most 5 secrets; revoke one first
            409 too_many_apps final: there are as many apps as there may be; delete one first
            409 no_password final: an operator must be able to log in, and this user has no password; give him one first
            401 banned final: this account is banned; an operator can lift the ban
        "#]],
    );
}

#[test]
fn what_the_cluster_could_not_do_says_whether_it_did_it() {
    let proposals = [
        ProposeError::NoLeader,
        ProposeError::NotLeader,
        ProposeError::Overloaded,
        ProposeError::OutcomeUnknown,
        ProposeError::Malformed,
    ];
    check(
        proposals.into_iter().map(Problem::from),
        expect![[r#"
        503 no_quorum retry: no majority of the nodes can be reached; nothing was done
        503 no_quorum retry: no majority of the nodes can be reached; nothing was done
        503 overloaded retry: too much is waiting; nothing was done
        504 outcome_unknown retry: nobody knows yet whether this took effect; retry with the same idempotency key to find out
        500 internal retry: the request cannot be proposed
    "#]],
    );
}

#[test]
fn reads_that_cannot_be_answered() {
    let reads = [
        ReadError::Unavailable,
        ReadError::Overloaded,
        ReadError::TooStale { age_ms: 1500 },
        ReadError::Broken,
    ];
    check(
        reads.into_iter().map(Problem::from),
        expect![[r#"
        503 no_quorum retry: no majority confirmed that this answer would be current
        503 overloaded retry: too many reads are waiting
        503 too_stale retry: the state of this node is 1500 ms old {"ageMs":1500}
        500 internal retry: the rows of this node cannot be read
    "#]],
    );
}

#[test]
fn changes_of_members_that_come_to_nothing() {
    let refused = |code| ChangeError::Refused { code, says: "because".to_owned() };
    let errors = [
        refused(RefusalCode::UnknownNode),
        refused(RefusalCode::WouldLoseQuorum),
        refused(RefusalCode::LastVoter),
        refused(RefusalCode::VotersFull),
        refused(RefusalCode::Lags),
        refused(RefusalCode::Silent),
        refused(RefusalCode::NotAVoter),
        refused(RefusalCode::AlreadyLeads),
        refused(RefusalCode::Leaves),
        refused(RefusalCode::NoSuccessor),
        refused(RefusalCode::CannotReplace),
        refused(RefusalCode::UnderWay),
        refused(RefusalCode::TooSoon),
        refused(RefusalCode::TransferFailed),
        ChangeError::Unavailable("nobody leads".to_owned()),
        ChangeError::Unknown,
    ];
    check(
        errors.into_iter().map(Problem::from),
        expect![[r#"
        404 node_not_found final: because
        409 would_lose_quorum final: because
        409 last_voter final: because
        409 voters_full final: because
        409 node_lags final: because
        409 node_silent final: because
        409 not_a_voter final: because
        409 already_leads final: because
        409 node_leaves final: because
        409 no_successor final: because
        409 cannot_replace final: because
        409 change_under_way final: because
        429 too_soon retry: because
        409 transfer_failed final: because
        503 no_quorum retry: nobody leads
        504 outcome_unknown retry: nobody knows yet whether this was begun; ask for the same again, which changes nothing that is done
    "#]],
    );
}

#[test]
fn a_body_is_a_problem_of_rfc_9457() {
    let revision = Revision { index: 12, ordinal: 3 };
    let problem = success(Outcome::Rejected(full(0, None, &[])), revision).unwrap_err();
    let body = serde_json::to_string_pretty(&problem.to_json()).unwrap();
    expect![[r#"
        {
          "alternatives": [],
          "available": 0,
          "code": "slot_full",
          "detail": "the slot is sold out",
          "retryable": false,
          "revision": "12-3",
          "status": 409,
          "title": "Conflict",
          "type": "urn:holdfast:problem:slot_full"
        }"#]]
    .assert_eq(&body);
    assert_eq!(problem.retry_after(), None);
}

#[test]
fn who_is_turned_away_for_now_is_told_when_to_come_back() {
    for (error, seconds) in [(ProposeError::Overloaded, Some(1)), (ProposeError::OutcomeUnknown, None)] {
        assert_eq!(Problem::from(error).retry_after(), seconds);
    }
}

#[test]
fn a_contradiction_is_our_mistake_and_stands_in_the_log() {
    let revision = Revision { index: 12, ordinal: 0 };
    let contradiction = Contradiction::Capacity(PoolId(4));
    let problem = success(Outcome::Contradicted(contradiction), revision).unwrap_err();
    assert_eq!((problem.status, problem.code, problem.revision), (500, "contradiction", Some(revision)));
}
