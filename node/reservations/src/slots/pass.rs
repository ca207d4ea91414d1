//! What happens to a slot because time passes.

use crate::context::Context;
use crate::event::{Event, SlotEvent};
use crate::ids::SlotId;
use crate::outcome::{Contradiction, MissingRow};
use crate::slots::{Slot, SlotStatus};

/// The start of a slot has come.
pub(crate) fn start(context: &mut Context<'_>, id: SlotId) -> Result<(), Contradiction> {
    let slot = context.expect_row::<Slot>(id, MissingRow::Slot(id))?;
    context.emit(Event::Slot { kind: SlotEvent::Started, slot: id, resource: slot.resource });
    Ok(())
}

/// The end of a slot has come.
pub(crate) fn finish(context: &mut Context<'_>, id: SlotId) -> Result<(), Contradiction> {
    let slot = context.expect_row::<Slot>(id, MissingRow::Slot(id))?;
    context.put(id, Slot { status: SlotStatus::Finished, ..(*slot).clone() });
    context.emit(Event::Slot { kind: SlotEvent::Finished, slot: id, resource: slot.resource });
    Ok(())
}
