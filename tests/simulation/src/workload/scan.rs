//! Scans codes at the gate: each once, again, by somebody else, or after it was replaced; and takes an admission back.

use holdfast_model::{Act, BookingId, Right, Scan as Scanned};
use serde_json::json;

use super::accounts::ShownCode;
use super::{Operation, Park, Person, Wish};
use crate::chance::Chance;
use crate::client::Reply;

pub(super) struct Scan;
pub(super) struct ScanAgain;
pub(super) struct ScanOtherwise;
pub(super) struct Undo;

/// Scans that somebody remembers to have made.
const SCANS_MAX: usize = 8;

/// A scan that somebody has made, or tried to.
#[derive(Clone, Debug)]
pub(crate) struct MadeScan {
    code: ShownCode,
    nonce: String,
}

impl Operation for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    /// The newest code that was shown, or one of long ago, which may have been replaced.
    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let code = who.accounts.some_code(chance).filter(|_| may_try(who, chance))?;
        let nonce = format!("scan-{:016x}", chance.draw());
        Some(scan(who, MadeScan { code, nonce }, chance))
    }

    fn learn(&self, who: &mut Person, _: &Park, wish: &Wish, _: &Reply) {
        who.scans.extend(wish.scan.clone());
        let surplus = who.scans.len().saturating_sub(SCANS_MAX);
        who.scans.drain(..surplus);
    }
}

impl Operation for ScanAgain {
    fn name(&self) -> &'static str {
        "scan_again"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let made = (!who.scans.is_empty()).then(|| chance.pick(&who.scans).clone())?;
        Some(scan(who, made, chance))
    }

    /// The party is in already.
    fn always_changes(&self) -> bool {
        false
    }
}

impl Operation for ScanOtherwise {
    fn name(&self) -> &'static str {
        "scan_otherwise"
    }

    /// Another scan of the same code, or one without a name.
    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let MadeScan { code, .. } = (!who.scans.is_empty()).then(|| chance.pick(&who.scans).clone())?;
        let nonce = format!("other-{:016x}", chance.draw());
        let mut wish = scan(who, MadeScan { code, nonce }, chance);
        if chance.percent(30)
            && let (Some(body), Some((_, Act::Scans(scanned)))) = (&mut wish.body, &mut wish.at_entrance)
        {
            body["nonce"].take();
            scanned.nonce = None;
        }
        Some(wish)
    }
}

impl Operation for Undo {
    fn name(&self) -> &'static str {
        "undo_scan"
    }

    fn draw(&self, who: &Person, _: &Park, chance: &mut Chance) -> Option<Wish> {
        let MadeScan { code, .. } = (!who.scans.is_empty()).then(|| chance.pick(&who.scans).clone())?;
        Some(Wish {
            method: "POST",
            path: format!("/v1/bookings/{}/check-in/undo", code.booking.0),
            body: Some(json!({"reason": "the other party"})),
            right: Right::ChecksIn,
            at_entrance: Some((code.booking, Act::Undoes)),
            ..Wish::default()
        })
    }
}

/// Whoever may not is told so, now and then.
fn may_try(who: &Person, chance: &mut Chance) -> bool {
    who.is_staff || chance.percent(30)
}

fn scan(who: &Person, made: MadeScan, chance: &mut Chance) -> Wish {
    let MadeScan { code: ShownCode { booking, token, name }, nonce } = made.clone();
    let mut body = json!({"token": token, "nonce": nonce});
    if chance.percent(50) {
        body["place"] = json!("Gate 1");
    }
    if chance.percent(40) {
        body["overrideReason"] = json!("they have waited for long");
    }
    let scanned = Scanned { by: who.user, nonce: Some(nonce), code: Some(name) };
    Wish {
        method: "POST",
        path: path_of(booking),
        body: Some(body),
        right: Right::ChecksIn,
        at_entrance: Some((booking, Act::Scans(scanned))),
        scan: Some(made),
        ..Wish::default()
    }
}

fn path_of(booking: BookingId) -> String {
    format!("/v1/bookings/{}/check-in", booking.0)
}
