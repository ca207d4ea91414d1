//! `/v1/policies`: what operators decide, for the cluster, a venue, a resource, a slot or a pool.

use axum::extract::State;
use holdfast_reservations::{Policy, PolicyField, PoolId, ResourceId, Scope, SetPolicy, SlotId, VenueId};
use serde_json::{Map, Value, json};

use crate::access::Endpoint;
use crate::http::path::Segment;
use crate::http::{Answer, Call, Reply};
use crate::problem::{Problem, Result};
use crate::service::Service;
use crate::wire::id_in;

/// A field as it is written, and what a stored unit of it is.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    field: PolicyField,
    pub(crate) unit: Unit,
    pub(crate) reach: Reach,
}

/// For which scopes a field can be decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Cluster,
    /// Whoever waits, waits for a resource: for its slots and pools nothing else can be said.
    Resource,
    /// A slot has one day: for its pools nothing else can be said.
    Slot,
    Any,
}

impl Reach {
    /// Which scopes these are.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cluster => "the cluster only",
            Self::Resource => "the cluster, a venue or a resource",
            Self::Slot => "the cluster, a venue, a resource or a slot, not for one of its pools",
            Self::Any => "any scope",
        }
    }

    fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Cluster => true,
            Scope::Venue(_) | Scope::Resource(_) => self != Self::Cluster,
            Scope::Slot(_) => matches!(self, Self::Slot | Self::Any),
            Scope::Pool(_) => self == Self::Any,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// So many, from the least that makes sense.
    Count { min: u64, max: u64 },
    /// Written in seconds, stored in milliseconds.
    Seconds { min: u64, max: u64 },
    /// Written per second, stored per thousand seconds.
    Rate { max: u64 },
    /// Written as true or false, stored as 1 or 0.
    Flag,
}

const DAY: u64 = 86_400;

const fn known(name: &'static str, field: PolicyField, unit: Unit) -> Known {
    Known { name, field, unit, reach: Reach::Any }
}

const fn of_cluster(name: &'static str, field: PolicyField, unit: Unit) -> Known {
    Known { name, field, unit, reach: Reach::Cluster }
}

const fn of_resource(name: &'static str, field: PolicyField, unit: Unit) -> Known {
    Known { name, field, unit, reach: Reach::Resource }
}

const fn of_slot(name: &'static str, field: PolicyField, unit: Unit) -> Known {
    Known { name, field, unit, reach: Reach::Slot }
}

const HOLD: Unit = Unit::Seconds { min: 1, max: DAY };
const LENGTH: Unit = Unit::Seconds { min: 0, max: 366 * DAY };
const COUNT: Unit = Unit::Count { min: 0, max: 1_000_000_000 };

/// Every field, in reading order. A dot leads into an object.
pub(crate) const FIELDS: [Known; 15] = [
    known("maxPerUser", PolicyField::MaxPerUser, COUNT),
    known("holdSeconds", PolicyField::HoldDuration, HOLD),
    of_resource("admissionPerSecond", PolicyField::AdmissionRate, Unit::Rate { max: 1_000 }),
    of_slot("noShowGraceSeconds", PolicyField::NoShowGrace, LENGTH),
    of_slot("reminderLeadSeconds", PolicyField::ReminderLead, LENGTH),
    of_slot("noShowShareMax", PolicyField::NoShowShareMax, Unit::Count { min: 0, max: 100 }),
    known("checkInEarlySeconds", PolicyField::CheckInEarly, LENGTH),
    known("checkInLateSeconds", PolicyField::CheckInLate, LENGTH),
    known("latePaymentSeconds", PolicyField::LatePayment, LENGTH),
    of_cluster("notifyByEmail", PolicyField::NotifyByEmail, Unit::Flag),
    of_cluster("jobResultSeconds", PolicyField::JobResultDuration, Unit::Seconds { min: 1, max: 30 * DAY }),
    of_cluster("facades.s1.holdSeconds", PolicyField::HoldDurationS1, HOLD),
    of_cluster("facades.s2.holdSeconds", PolicyField::HoldDurationS2, HOLD),
    of_cluster("facades.s2.maxHoldsPerUser", PolicyField::MaxHeldS2, COUNT),
    of_cluster("facades.s3.holdSeconds", PolicyField::HoldDurationS3, HOLD),
];

pub(crate) async fn set(State(service): State<Service>, Segment(scope): Segment, call: Call) -> Answer {
    let caller = call.caller(&service, Endpoint::SetPolicy).await?;
    let scope = scope_from(&scope)?;
    let fields = fields_from(scope, &call.json()?)?;
    let (scope, policy) = service.set_policy(caller, SetPolicy { scope, fields }, &call.context).await?;
    Reply::ok(&policy_body(scope, &policy))
}

pub(crate) async fn show(State(service): State<Service>, Segment(scope): Segment, call: Call) -> Answer {
    let asked = call.asked(&service, Endpoint::ReadPolicy).await?;
    let scope = scope_from(&scope)?;
    let read = service.policy(asked, scope).await?;
    Reply::read(read, |policy| policy_body(scope, &policy))
}

fn scope_from(text: &str) -> Result<Scope> {
    let unknown = || {
        let says = "a policy is for cluster, venue/ID, resource/ID, slot/ID or pool/ID";
        Problem::new(404, "scope_not_found", format!("{says}, not {text}"))
    };
    if text == "cluster" {
        return Ok(Scope::Cluster);
    }
    let (kind, id) = text.split_once('/').ok_or_else(unknown)?;
    let id = id_in(id).ok_or_else(unknown)?;
    match kind {
        "venue" => Ok(Scope::Venue(VenueId(id))),
        "resource" => Ok(Scope::Resource(ResourceId(id))),
        "slot" => Ok(Scope::Slot(SlotId(id))),
        "pool" => Ok(Scope::Pool(PoolId(id))),
        _ => Err(unknown()),
    }
}

fn fields_from(scope: Scope, body: &Map<String, Value>) -> Result<Vec<(PolicyField, Option<u64>)>> {
    let mut given = Vec::new();
    flatten("", body, &mut given);
    let mut fields = Vec::new();
    for (name, value) in given {
        let known = FIELDS.iter().find(|known| known.name == name);
        let known = known.ok_or_else(|| Problem::malformed(format!("there is no field {name}")))?;
        let value = if value.is_null() { None } else { Some(known.stored(value)?) };
        // What had no effect may be taken back.
        let is_taken_back = value.is_none() && known.reach != Reach::Cluster;
        if !known.reach.has(scope) && !is_taken_back {
            return Err(Problem::senseless(format!("{name} is decided for {}", known.reach.name())));
        }
        fields.push((known.field, value));
    }
    Ok(fields)
}

/// The fields of objects within objects, each with its path.
fn flatten<'a>(path: &str, body: &'a Map<String, Value>, into: &mut Vec<(String, &'a Value)>) {
    for (name, value) in body {
        let name = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value.as_object().filter(|_| leads_on(&name)) {
            Some(inner) => flatten(&name, inner, into),
            None => into.push((name, value)),
        }
    }
}

/// Whether fields stand below this one, and not a value at it.
fn leads_on(path: &str) -> bool {
    FIELDS.iter().any(|known| known.name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

impl Known {
    fn stored(&self, value: &Value) -> Result<u64> {
        let name = self.name;
        let whole = || value.as_i64().ok_or_else(|| Problem::malformed(format!("{name} is a whole number")));
        let within = |number: i64, min: u64, max: u64| {
            let number = u64::try_from(number).ok().filter(|number| (min..=max).contains(number));
            number.ok_or_else(|| Problem::senseless(format!("{name} is from {min} to {max}")))
        };
        match self.unit {
            Unit::Count { min, max } => within(whole()?, min, max),
            Unit::Seconds { min, max } => Ok(within(whole()?, min, max)?.saturating_mul(1000)),
            Unit::Rate { max } => {
                let rate = value.as_f64().ok_or_else(|| Problem::malformed(format!("{name} is a number")))?;
                if !(0.0..=max as f64).contains(&rate) {
                    return Err(Problem::senseless(format!("{name} is from 0 to {max}")));
                }
                Ok((rate * 1000.0).round() as u64)
            }
            Unit::Flag => {
                let flag = value.as_bool().map(u64::from);
                flag.ok_or_else(|| Problem::malformed(format!("{name} is true or false")))
            }
        }
    }

    fn written(&self, stored: u64) -> Value {
        match self.unit {
            Unit::Count { .. } => json!(stored),
            Unit::Seconds { .. } => json!(stored / 1000),
            Unit::Rate { .. } if stored.is_multiple_of(1000) => json!(stored / 1000),
            Unit::Rate { .. } => json!(stored as f64 / 1000.0),
            Unit::Flag => json!(stored > 0),
        }
    }
}

/// Every field there is for a scope; null is inherited.
fn policy_body(scope: Scope, policy: &Policy) -> Value {
    let mut body = json!({"scope": scope_name(scope)});
    for known in FIELDS.iter().filter(|known| scope == Scope::Cluster || known.reach != Reach::Cluster) {
        let value = policy.fields.get(&known.field).map_or(Value::Null, |stored| known.written(*stored));
        let mut inner = &mut body;
        for part in known.name.split('.') {
            inner = &mut inner[part];
        }
        *inner = value;
    }
    body
}

fn scope_name(scope: Scope) -> String {
    match scope {
        Scope::Cluster => "cluster".to_owned(),
        Scope::Venue(id) => format!("venue/{}", id.0),
        Scope::Resource(id) => format!("resource/{}", id.0),
        Scope::Slot(id) => format!("slot/{}", id.0),
        Scope::Pool(id) => format!("pool/{}", id.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(scope: Scope, body: Value) -> std::result::Result<Vec<(PolicyField, Option<u64>)>, u16> {
        fields_from(scope, body.as_object().unwrap()).map_err(|problem| problem.status)
    }

    #[test]
    fn what_is_given_is_set_and_null_inherits() {
        let body = json!({"holdSeconds": 5, "maxPerUser": null, "admissionPerSecond": 2.5, "facades": {"s2": {"holdSeconds": 2}}});
        let mut expected = vec![
            (PolicyField::AdmissionRate, Some(2_500)),
            (PolicyField::HoldDurationS2, Some(2_000)),
            (PolicyField::HoldDuration, Some(5_000)),
            (PolicyField::MaxPerUser, None),
        ];
        let mut given = fields(Scope::Cluster, body).unwrap();
        given.sort_unstable();
        expected.sort_unstable();
        assert_eq!(given, expected);
        assert_eq!(fields(Scope::Cluster, json!({})), Ok(Vec::new()));
        let email = |value: bool| fields(Scope::Cluster, json!({"notifyByEmail": value})).unwrap();
        assert_eq!(email(true), [(PolicyField::NotifyByEmail, Some(1))]);
        assert_eq!(email(false), [(PolicyField::NotifyByEmail, Some(0))]);
    }

    #[test]
    fn nonsense_is_refused() {
        let pool = Scope::Pool(PoolId(1));
        assert_eq!(fields(pool, json!({"facades": {"s2": {"holdSeconds": 2}}})), Err(422));
        assert_eq!(fields(pool, json!({"holdSeconds": 0})), Err(422));
        assert_eq!(fields(pool, json!({"holdSeconds": 86_401})), Err(422));
        assert_eq!(fields(pool, json!({"maxPerUser": -1})), Err(422));
        assert_eq!(fields(Scope::Cluster, json!({"admissionPerSecond": 1_001})), Err(422));
        assert_eq!(fields(pool, json!({"admissionPerSecond": 1})), Err(422));
        for name in ["noShowGraceSeconds", "reminderLeadSeconds", "noShowShareMax"] {
            assert_eq!(fields(pool, json!({name: 1})), Err(422), "{name} is of the slot's one day");
            assert!(fields(Scope::Slot(SlotId(1)), json!({name: 1})).is_ok());
            assert!(fields(pool, json!({name: null})).is_ok(), "what had no effect may be taken back");
        }
        assert_eq!(fields(pool, json!({"holdSeconds": "5"})), Err(400));
        assert_eq!(fields(pool, json!({"holdSeconds": 1.5})), Err(400));
        assert_eq!(fields(pool, json!({"holdSeconds": {}})), Err(400));
        assert_eq!(fields(Scope::Cluster, json!({"facades": {"s9": {}}})), Err(400));
        assert_eq!(fields(pool, json!({"other": 1})), Err(400));
        assert_eq!(fields(pool, json!({"notifyByEmail": true})), Err(422));
        assert_eq!(fields(Scope::Cluster, json!({"notifyByEmail": 1})), Err(400));
    }

    #[test]
    fn a_policy_says_what_it_decides_and_what_it_leaves() {
        let stored = [
            (PolicyField::AdmissionRate, 2_500),
            (PolicyField::HoldDurationS1, 9_000),
            (PolicyField::NotifyByEmail, 1),
        ];
        let body = policy_body(Scope::Cluster, &Policy { fields: stored.into_iter().collect() });
        assert_eq!(body["scope"], "cluster");
        assert_eq!(body["admissionPerSecond"], 2.5);
        assert_eq!(body["notifyByEmail"], true);
        assert_eq!(body["facades"]["s1"]["holdSeconds"], 9);
        assert_eq!(body["holdSeconds"], Value::Null);
        let of_pool = policy_body(Scope::Pool(PoolId(7)), &Policy::default());
        assert_eq!((&of_pool["scope"], of_pool.get("facades")), (&json!("pool/7"), None));
    }
}
