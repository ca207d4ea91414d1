//! What tokens say, and that it follows from the outcome of their session alone.

use holdfast_reservations::{Command, LogIn, Outcome, Principal};

use super::*;
use crate::stage::{MIA, Stage};

/// The session that the rules open at a moment.
fn opened_at(at: u64) -> Opened {
    let open = Command::LogIn(LogIn { user: MIA, token_version: 0 });
    let outcome = Stage::new().apply(at, Principal::Internal, open);
    let Outcome::Session { session, user, sequence, token_version, expires_at } = outcome else {
        panic!("no session")
    };
    Opened { session, user, sequence, token_version, expires_at }
}

#[test]
fn a_token_is_as_old_as_the_answer_of_the_rules() {
    let opened = opened_at(1_800_000_000_999);
    assert_eq!(opened.at(), Timestamp(1_800_000_000_999));
    let AccessClaims { iat, exp, .. } = opened.access("cluster", 900);
    assert_eq!((iat, exp), (1_800_000_000, 1_800_000_900));
    assert_eq!(opened.refresh("cluster").exp, 1_800_000_000 + SESSION_DURATION.0 / 1000);
}

#[test]
fn no_length_and_no_moment_is_too_large() {
    let opened = Opened { expires_at: Timestamp::MAX, ..opened_at(0) };
    assert_eq!(opened.access("cluster", u64::MAX).exp, u64::MAX);
    assert_eq!(opened.refresh("cluster").exp, u64::MAX / 1000);
    let opened = Opened { expires_at: Timestamp(1), ..opened };
    assert_eq!(opened.access("cluster", 900).iat, 0);
}

fn key(retired_at: Option<u64>) -> ValidNodeKey {
    ValidNodeKey { public_key: [0; 32], retired_at: retired_at.map(Timestamp) }
}

#[test]
fn a_retired_key_has_signed_nothing_later_and_nothing_that_is_valid_for_longer() {
    let claims = opened_at(1_800_000_000_000).access("cluster", 900);
    let believed = |claims: &AccessClaims, retired_at| claims.may_be_of(key(retired_at), 900);
    assert!(believed(&claims, None) && believed(&claims, Some(1_800_000_000_000)));
    assert!(!believed(&claims, Some(1_799_999_000_000)), "it is dated after the retirement");
    let long = AccessClaims { exp: claims.exp + 1, ..claims };
    assert!(believed(&long, None), "another node may be set to make longer ones");
    assert!(!believed(&long, Some(1_800_000_000_000)));
}

#[test]
fn when_a_refresh_token_was_issued_follows_from_when_its_session_ends() {
    let claims = opened_at(1_800_000_000_000).refresh("cluster");
    let believed = |retired_at| claims.may_be_of(key(retired_at));
    assert!(believed(None) && believed(Some(1_800_000_000_000)));
    assert!(!believed(Some(1_799_999_000_000)));
}

#[test]
fn a_refresh_token_of_a_stolen_key_is_not_that_of_a_session_renewed_since() {
    let opened = opened_at(1_800_000_000_000);
    let session = Session { user: MIA, sequence: opened.sequence, expires_at: opened.expires_at };
    let RefreshClaims { sid, seq, exp, .. } = opened.refresh("cluster");
    let genuine = Refresh { session: SessionId(sid), sequence: seq, expires: exp, is_of_retired_key: true };
    assert!(genuine.is_newest_of(&session));
    assert!(!Refresh { expires: exp - 60, ..genuine }.is_newest_of(&session), "it names another moment");
    assert!(!Refresh { sequence: seq + 1, ..genuine }.is_newest_of(&session), "it names another token");
}

#[test]
fn what_was_verified_is_forgotten_when_a_key_is_retired() {
    let access = Access { user: MIA, token_version: 0, expires_at: Timestamp::MAX };
    let mut verified = Verified::default();
    verified.young.insert("token".into(), access);
    verified.enter(0);
    assert_eq!(verified.young.len(), 1);
    verified.enter(1);
    assert_eq!((verified.epoch, verified.young.len()), (1, 0));
}
