//! The words of scripts for seats on sale, events and policies.

use super::{Arguments, number};
use crate::*;

pub(super) fn command(verbs: &[&str], given: &Arguments<'_>) -> Option<Command> {
    Some(match verbs {
        ["opens", "seats"] => {
            let places = NewPlaces::Seats(plan(given).unwrap());
            let pools = vec![NewPool { name: "seats".into(), places }];
            let slots = vec![NewSlot { window: given.window().unwrap(), pools }];
            Command::OpenSlots(OpenSlots { resource: ResourceId(given.number("resource").unwrap()), slots })
        }
        ["creates", "event"] => {
            let window = given.window();
            let slot = window.map(|window| NewSlot { window, pools: Vec::new() });
            let name = given.text("name").unwrap_or_default().to_owned();
            let venue = given.text("venue").unwrap_or("Somewhere").to_owned();
            Command::CreateEvent(CreateEvent { name, description: String::new(), venue, slot })
        }
        ["renames", resource] => Command::ChangeResource(ChangeResource {
            resource: ResourceId(number(resource)),
            name: given.text("name").map(str::to_owned),
            description: None,
        }),
        ["adds", "pool", "to", slot] => {
            let price = given.number("price").map(|amount| Money { amount, currency: "EUR".into() });
            let policy = given.number("hold").map(|hold| (PolicyField::HoldDuration, hold));
            let terms = Terms { price, description: String::new(), policy: policy.into_iter().collect() };
            let places = NewPlaces::OnTerms(Box::new(NewPlaces::Seats(plan(given).unwrap())), terms);
            let pools = vec![NewPool { name: given.text("name").unwrap_or("more").into(), places }];
            Command::AddPools(AddPools { slot: SlotId(number(slot)), pools })
        }
        ["reschedules", slot] => {
            let slot = SlotId(number(slot));
            Command::ChangeSlot(ChangeSlot { slot, window: given.window(), seats: None })
        }
        ["reseats", slot] => {
            let slot = SlotId(number(slot));
            Command::ChangeSlot(ChangeSlot { slot, window: None, seats: plan(given) })
        }
        ["withdraws", what] if what.starts_with("slot:") => {
            Command::WithdrawSlot(WithdrawSlot { slot: SlotId(number(what)) })
        }
        ["withdraws", what] => {
            Command::WithdrawResource(WithdrawResource { resource: ResourceId(number(what)) })
        }
        ["declares", alias] => {
            Command::DeclareUser(DeclareUser { alias: (*alias).into(), name: String::new() })
        }
        ["decides", decision, slot] => {
            let decision = if *decision == "keep" { Decision::Keep } else { Decision::Release };
            Command::DecideNoShows(DecideNoShows { slot: SlotId(number(slot)), decision })
        }
        ["sets", "policy", scope] => {
            Command::SetPolicy(SetPolicy { scope: scope_named(scope), fields: fields(given) })
        }
        _ => return None,
    })
}

fn plan(given: &Arguments<'_>) -> Option<SeatPlan> {
    if let Some(count) = given.number("count") {
        return Some(SeatPlan::numbered(count).unwrap());
    }
    let seats =
        given.text("seats")?.split(',').map(|label| NewSeat { label: label.into(), ..NewSeat::default() });
    Some(SeatPlan::of(seats.collect()).unwrap())
}

fn scope_named(scope: &str) -> Scope {
    let id = || number(scope);
    match scope.split(':').next() {
        Some("cluster") => Scope::Cluster,
        Some("venue") => Scope::Venue(VenueId(id())),
        Some("resource") => Scope::Resource(ResourceId(id())),
        Some("slot") => Scope::Slot(SlotId(id())),
        Some("pool") => Scope::Pool(PoolId(id())),
        _ => panic!("unknown scope: {scope}"),
    }
}

const FIELDS: [(&str, PolicyField); 11] = [
    ("hold", PolicyField::HoldDuration),
    ("limit", PolicyField::MaxPerUser),
    ("rate", PolicyField::AdmissionRate),
    ("late", PolicyField::LatePayment),
    ("kept", PolicyField::JobResultDuration),
    ("lead", PolicyField::ReminderLead),
    ("grace", PolicyField::NoShowGrace),
    ("share", PolicyField::NoShowShareMax),
    ("mail", PolicyField::NotifyByEmail),
    ("early", PolicyField::CheckInEarly),
    ("lateness", PolicyField::CheckInLate),
];

fn fields(given: &Arguments<'_>) -> Vec<(PolicyField, Option<u64>)> {
    let named = FIELDS.iter().filter_map(|(name, field)| Some((*field, given.text(name)?)));
    named.map(|(field, value)| (field, value.parse().ok())).collect()
}

pub(super) fn describe_policy(scope: Scope, policy: &Policy) -> String {
    let fields = policy.fields.iter().map(|(field, value)| {
        let name = FIELDS.iter().find(|(_, known)| known == field).map_or("other", |(name, _)| name);
        format!("{name}={value}")
    });
    format!("{scope:?} {}", fields.collect::<Vec<_>>().join(" "))
}
