//! Makes the codes void that a key has signed which is revoked.

use crate::codes::{IssuedCode, codes_behind};
use crate::context::Context;
use crate::due::DueKind;
use crate::ids::BookingId;
use crate::node_keys::{CodeSweep, NodeKeyId, RevokedNodeKey};
use crate::outcome::{Contradiction, Halt};
use crate::rows::{Key, Order, ReadRows as _, ReadTyped as _};
use crate::time::Timestamp;

/// Codes looked at by one step of a sweep. What is left is due still.
const SWEEP_MAX: usize = 128;

/// Makes some of the codes void that a revoked key of a node has signed; what is left stays due. The answer is how many
/// were looked at.
pub(crate) fn sweep(context: &mut Context<'_>, node: u64, at: Timestamp) -> Result<usize, Halt> {
    let unfinished = unfinished(context, node);
    let Some((signer, key, behind)) = unfinished.first().cloned() else { return Ok(0) };
    let page = codes_behind(context, behind, SWEEP_MAX);
    for (id, code) in &page {
        if code.signers.contains(&signer) {
            let revision = code.revision.checked_add(1).ok_or(Contradiction::Overflow)?;
            context.put(*id, IssuedCode { revision, signers: Vec::new(), issued_at: context.now });
        }
    }
    let sweep = match page.last() {
        Some((last, _)) if page.len() == SWEEP_MAX => CodeSweep::Sweeping { behind: *last },
        Some(_) | None => CodeSweep::Done,
    };
    context.put(signer, RevokedNodeKey { sweep, ..key });
    if sweep != CodeSweep::Done || unfinished.len() > 1 {
        context.index(Key::Due(at, DueKind::NodeKeyRevoked, node));
    }
    Ok(page.len())
}

/// The revoked keys of a node whose codes were not all looked at, and how far it has come with each.
fn unfinished(context: &Context<'_>, node: u64) -> Vec<(NodeKeyId, RevokedNodeKey, BookingId)> {
    let range = Key::RevokedNodeKey(node, 0)..Key::RevokedNodeKey(node, u32::MAX);
    let found = context.scan(range, Order::Ascending, usize::MAX).into_iter();
    let keys = found.filter_map(|(key, _)| {
        let Key::RevokedNodeKey(node, generation) = key else { return None };
        let id = NodeKeyId { node, generation };
        let key = context.row::<RevokedNodeKey>(id)?;
        match key.sweep {
            CodeSweep::Sweeping { behind } => Some((id, *key, behind)),
            CodeSweep::Done => None,
        }
    });
    keys.collect()
}
