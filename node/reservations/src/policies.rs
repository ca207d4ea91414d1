//! Policies: what operators decide for the whole cluster, a venue, a resource, a slot or a pool. The nearest one that says
//! something counts.

pub mod limits;
pub mod set;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use limits::{UserPlaces, places_of as user_places};
pub use set::SetPolicy;

use crate::ids::{PoolId, ResourceId, SlotId, VenueId};
use crate::resources::Resource;
use crate::rows::{Key, Order, ReadRows, ReadTyped as _, Stored as _};
use crate::slots::Slot;
use crate::time::Millis;

/// What a policy is for. The order is a stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Everything.
    Cluster,
    /// All that a venue offers.
    Venue(VenueId),
    /// All slots of a resource.
    Resource(ResourceId),
    /// All pools of a slot.
    Slot(SlotId),
    /// One pool.
    Pool(PoolId),
}

/// What a policy can say. The order is a stored format: new fields go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PolicyField {
    /// Places a user holds or has, per resource.
    MaxPerUser,
    /// How long a hold lasts, in milliseconds.
    HoldDuration,
    /// Jobs of a resource that are admitted in a thousand seconds.
    AdmissionRate,
    /// How long after its start, or its confirmation if that is later, a booking that was not used is released, in
    /// milliseconds.
    NoShowGrace,
    /// How long before its start a slot is ready and its guests are reminded, in milliseconds.
    ReminderLead,
    /// How long before its start a party is admitted, in milliseconds.
    CheckInEarly,
    /// How long after its end a party is admitted, in milliseconds.
    CheckInLate,
    /// How long the result of a job is kept, in milliseconds. For the cluster only.
    JobResultDuration,
    /// How long after a hold has ended a payment for it still takes the places again if they are there, in milliseconds.
    LatePayment,
    /// How long holds of seed S1 last, in milliseconds. For the cluster only.
    HoldDurationS1,
    /// As above, of seed S2.
    HoldDurationS2,
    /// As above, of seed S3.
    HoldDurationS3,
    /// Places a user of seed S2 holds at once, per event. For the cluster only.
    MaxHeldS2,
    /// From which share of a slot's places on, in per cent, no-shows are not released until an operator decides.
    NoShowShareMax,
    /// Whether those who have not said what they prefer get e-mail: 0 is no, anything else yes. For the cluster only.
    NotifyByEmail,
}

impl PolicyField {
    /// Whether it says when something of a slot's day is due.
    pub(crate) fn moves_days(self) -> bool {
        matches!(self, Self::NoShowGrace | Self::ReminderLead)
    }

    /// Whether programs of the first edition do not know it.
    pub(crate) fn came_with_days(self) -> bool {
        matches!(self, Self::NoShowShareMax | Self::NotifyByEmail)
    }
}

/// What was decided for one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A field that is missing is inherited.
    pub fields: BTreeMap<PolicyField, u64>,
}

/// Whose words a caller speaks: it decides how long his holds last where no policy does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dialect {
    /// `/v1` and gRPC.
    #[default]
    Native,
    /// Seed S1.
    S1,
    /// Seed S2.
    S2,
    /// Seed S3.
    S3,
}

/// How long a hold lasts where neither caller nor policy says: ten minutes.
pub const HOLD_DURATION: Millis = Millis::from_minutes(10);

/// How long a hold of seed S2 lasts.
const HOLD_DURATION_S2: Millis = Millis::from_seconds(60);

/// Places a user of seed S2 holds at once.
const MAX_HELD_S2: u64 = 6;

/// How long the result of a job is kept.
const JOB_RESULT_DURATION: Millis = Millis::from_minutes(5);

/// Everything that may decide something for a pool, nearest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    scopes: [Option<Scope>; 5],
}

impl Chain {
    /// Of a pool of a slot.
    pub(crate) fn of_pool(rows: &dyn ReadRows, pool: PoolId, id: SlotId, slot: &Slot) -> Self {
        let mut chain = Self::of_resource(rows, slot.resource);
        let [nearest, next, ..] = &mut chain.scopes;
        (*nearest, *next) = (Some(Scope::Pool(pool)), Some(Scope::Slot(id)));
        chain
    }

    /// Of a slot.
    pub(crate) fn of_slot(rows: &dyn ReadRows, id: SlotId, slot: &Slot) -> Self {
        let mut chain = Self::of_resource(rows, slot.resource);
        let [_, next, ..] = &mut chain.scopes;
        *next = Some(Scope::Slot(id));
        chain
    }

    /// Of a resource.
    pub(crate) fn of_resource(rows: &dyn ReadRows, id: ResourceId) -> Self {
        let venue = rows.row::<Resource>(id).map(|resource| Scope::Venue(resource.venue));
        Self { scopes: [None, None, Some(Scope::Resource(id)), venue, Some(Scope::Cluster)] }
    }

    /// What the nearest policy says.
    pub(crate) fn field(&self, rows: &dyn ReadRows, field: PolicyField) -> Option<u64> {
        // Whoever sets the first policy anywhere writes that of the cluster: without it there is none.
        rows.row::<Policy>(Scope::Cluster)?;
        let policies = self.scopes.into_iter().flatten().filter_map(|scope| rows.row::<Policy>(scope));
        policies.filter_map(|policy| policy.fields.get(&field).copied()).next()
    }

    /// How long a hold lasts that somebody asks for in a dialect.
    pub(crate) fn hold_duration(&self, rows: &dyn ReadRows, dialect: Dialect) -> Millis {
        let (of_dialect, otherwise) = match dialect {
            Dialect::Native => (None, HOLD_DURATION),
            Dialect::S1 => (Some(PolicyField::HoldDurationS1), HOLD_DURATION),
            Dialect::S2 => (Some(PolicyField::HoldDurationS2), HOLD_DURATION_S2),
            Dialect::S3 => (Some(PolicyField::HoldDurationS3), HOLD_DURATION),
        };
        let nearest = self.field(rows, PolicyField::HoldDuration);
        let of_dialect = || of_dialect.and_then(|field| of_cluster(rows, field));
        nearest.or_else(of_dialect).map_or(otherwise, Millis)
    }
}

/// What was decided for the cluster.
pub(crate) fn of_cluster(rows: &dyn ReadRows, field: PolicyField) -> Option<u64> {
    rows.row::<Policy>(Scope::Cluster)?.fields.get(&field).copied()
}

/// Places a user may hold at once of a resource, for those who speak a dialect.
pub(crate) fn held_max(rows: &dyn ReadRows, dialect: Dialect) -> Option<u64> {
    match dialect {
        Dialect::Native | Dialect::S1 | Dialect::S3 => None,
        Dialect::S2 => Some(of_cluster(rows, PolicyField::MaxHeldS2).unwrap_or(MAX_HELD_S2)),
    }
}

/// How long the result of a job is kept.
pub(crate) fn job_result_duration(rows: &dyn ReadRows) -> Millis {
    of_cluster(rows, PolicyField::JobResultDuration).map_or(JOB_RESULT_DURATION, Millis)
}

/// Whether any policy says something.
pub fn has_any_policy(rows: &dyn ReadRows, field: PolicyField) -> bool {
    let range = Key::Policy(Scope::Cluster)..Key::Policy(Scope::Pool(PoolId(u64::MAX)));
    let all = rows.scan(range, Order::Ascending, usize::MAX).into_iter();
    let mut policies = all.filter_map(|(_, row)| Policy::from_row(row));
    policies.any(|policy| policy.fields.contains_key(&field))
}

/// What the nearest policy says for the pool of a slot.
pub fn policy_of_pool(
    rows: &dyn ReadRows,
    pool: PoolId,
    id: SlotId,
    slot: &Slot,
    field: PolicyField,
) -> Option<u64> {
    Chain::of_pool(rows, pool, id, slot).field(rows, field)
}

/// What the nearest policy says for a resource.
pub fn policy_of_resource(rows: &dyn ReadRows, id: ResourceId, field: PolicyField) -> Option<u64> {
    Chain::of_resource(rows, id).field(rows, field)
}
