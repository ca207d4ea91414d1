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
