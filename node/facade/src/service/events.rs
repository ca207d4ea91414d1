//! Events and what they offer, as those change it who own them.

use holdfast_reservations::{
    AddPools, ChangeResource, ChangeSlot, Command, CreateEvent, Outcome, Resource, ResourceId, Slot, SlotId,
    WithdrawResource, WithdrawSlot,
};

use crate::problem::{Result, unexpected};
use crate::service::{CallContext, Caller, Service};

impl Service {
    /// Makes an event of the caller's, without slots.
    pub(crate) async fn create_event(
        &self,
        caller: Caller,
        event: CreateEvent,
        call: &CallContext,
    ) -> Result<(ResourceId, Resource)> {
        self.resource_from(caller, Command::CreateEvent(event), call).await
    }

    /// Makes an event of the caller's with its first slot.
    pub(crate) async fn create_event_with_slot(
        &self,
        caller: Caller,
        event: CreateEvent,
        call: &CallContext,
    ) -> Result<(SlotId, Slot)> {
        self.slot_from(caller, Command::CreateEvent(event), call).await
    }

    /// Changes what an event is called.
    pub(crate) async fn change_resource(
        &self,
        caller: Caller,
        change: ChangeResource,
        call: &CallContext,
    ) -> Result<(ResourceId, Resource)> {
        self.resource_from(caller, Command::ChangeResource(change), call).await
    }

    /// Takes an event off.
    pub(crate) async fn withdraw_resource(
        &self,
        caller: Caller,
        withdraw: WithdrawResource,
        call: &CallContext,
    ) -> Result<ResourceId> {
        match self.submit(caller.principal(), Command::WithdrawResource(withdraw), call).await? {
            (Outcome::ResourceWithdrawn(id), _) => Ok(id),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Lets a slot sell more.
    pub(crate) async fn add_pools(
        &self,
        caller: Caller,
        pools: AddPools,
        call: &CallContext,
    ) -> Result<(SlotId, Slot)> {
        self.slot_from(caller, Command::AddPools(pools), call).await
    }

    /// Changes a slot.
    pub(crate) async fn change_slot(
        &self,
        caller: Caller,
        change: ChangeSlot,
        call: &CallContext,
    ) -> Result<(SlotId, Slot)> {
        self.slot_from(caller, Command::ChangeSlot(change), call).await
    }

    /// Takes a slot off.
    pub(crate) async fn withdraw_slot(
        &self,
        caller: Caller,
        withdraw: WithdrawSlot,
        call: &CallContext,
    ) -> Result<SlotId> {
        match self.submit(caller.principal(), Command::WithdrawSlot(withdraw), call).await? {
            (Outcome::SlotWithdrawn(id), _) => Ok(id),
            (other, _) => Err(unexpected(&other)),
        }
    }

    async fn resource_from(
        &self,
        caller: Caller,
        command: Command,
        call: &CallContext,
    ) -> Result<(ResourceId, Resource)> {
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Resource(id, resource), _) => Ok((id, resource)),
            (other, _) => Err(unexpected(&other)),
        }
    }

    async fn slot_from(
        &self,
        caller: Caller,
        command: Command,
        call: &CallContext,
    ) -> Result<(SlotId, Slot)> {
        match self.submit(caller.principal(), command, call).await? {
            (Outcome::Slots(mut slots), _) if slots.len() == 1 => Ok(slots.remove(0)),
            (other, _) => Err(unexpected(&other)),
        }
    }
}
