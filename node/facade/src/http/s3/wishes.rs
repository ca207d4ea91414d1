//! What somebody asks to book: certain tickets, or so many of a type.

use holdfast_reservations::{PoolId, SEATS_PER_BOOKING_MAX};

use super::fields::Fields;
use crate::http::seat_id::seat_of;
use crate::problem::Result;
use crate::service::Wish;
use crate::wire::Id;

/// No pool has this id, and none of its tickets is anywhere.
const NO_POOL: PoolId = PoolId(0);

/// Certain tickets, or so many of a type.
pub(super) fn wish_from(mut fields: Fields) -> Result<Wish> {
    if fields.has("ticket_ids") {
        if fields.has("ticket_type_id") || fields.has("quantity") {
            fields.wrong.add("ticket_ids", "give these, or ticket_type_id and quantity");
        }
        let wish = tickets_from(&mut fields);
        return fields.into_result(wish);
    }
    let pool = fields.expect("ticket_type_id").and_then(|value| {
        let id = serde_json::from_value::<Id>(value).ok();
        if id.is_none() {
            fields.wrong.add("ticket_type_id", "expected an id");
        }
        id
    });
    let quantity = fields.whole("quantity", 0..=u64::MAX);
    let wish = Wish::Quantity(pool.map_or(NO_POOL, |id| PoolId(id.0)), quantity);
    fields.into_result(wish)
}

fn tickets_from(fields: &mut Fields) -> Wish {
    let nothing = Wish::Tickets(NO_POOL, Vec::new());
    let ids = fields.take("ticket_ids").and_then(|ids| serde_json::from_value::<Vec<Id>>(ids).ok());
    let Some(ids) = ids else {
        fields.wrong.add("ticket_ids", "expected a list of ids");
        return nothing;
    };
    if !(1..=SEATS_PER_BOOKING_MAX).contains(&ids.len()) {
        fields.wrong.add("ticket_ids", format!("expected 1 to {SEATS_PER_BOOKING_MAX} tickets"));
        return nothing;
    }
    let tickets = ids.into_iter().map(|id| seat_of(id.0).unwrap_or((NO_POOL, 0)));
    let (pools, numbers): (Vec<PoolId>, Vec<u32>) = tickets.unzip();
    let pool = pools.first().copied().unwrap_or(NO_POOL);
    if pools.iter().any(|other| *other != pool) {
        fields.wrong.add("ticket_ids", "expected tickets of one type");
    }
    Wish::Tickets(pool, numbers)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::s3::fields::fields_in;
    use crate::http::seat_id::seat_id;

    fn wish(body: Value) -> std::result::Result<Wish, Vec<String>> {
        wish_from(fields_in(body)).map_err(|problem| problem.extra.keys().cloned().collect())
    }

    #[test]
    fn somebody_wants_certain_tickets_or_so_many() {
        let (first, second) = (seat_id(PoolId(3), 0), seat_id(PoolId(3), 7));
        let tickets = wish(json!({"ticket_ids": [first.to_string(), second], "color": "red"}));
        assert_eq!(tickets, Ok(Wish::Tickets(PoolId(3), vec![0, 7])));
        let quantity = |number: Value| wish(json!({"ticket_type_id": "3", "quantity": number}));
        assert_eq!(quantity(json!(2)), Ok(Wish::Quantity(PoolId(3), 2)));
        assert_eq!(quantity(json!(0)), Ok(Wish::Quantity(PoolId(3), 0)));
        assert_eq!(quantity(json!(u64::MAX)), Ok(Wish::Quantity(PoolId(3), u64::MAX)));
        let unknown = wish(json!({"ticket_ids": [131_071]}));
        assert_eq!(unknown, Ok(Wish::Tickets(NO_POOL, vec![0])));
    }

    #[test]
    fn what_is_no_wish_says_why() {
        let other = [seat_id(PoolId(3), 0), seat_id(PoolId(4), 0)];
        let many: Vec<u64> = (0..=500).map(|number| seat_id(PoolId(3), number)).collect();
        for (body, fields) in [
            (json!({}), &["quantity", "ticket_type_id"][..]),
            (json!({"quantity": 1}), &["ticket_type_id"]),
            (json!({"ticket_type_id": "3"}), &["quantity"]),
            (json!({"ticket_type_id": "3", "quantity": "1"}), &["quantity"]),
            (json!({"ticket_type_id": "3", "quantity": -1}), &["quantity"]),
            (json!({"ticket_type_id": true, "quantity": 1.5}), &["quantity", "ticket_type_id"]),
            (json!({"ticket_ids": "7"}), &["ticket_ids"]),
            (json!({"ticket_ids": []}), &["ticket_ids"]),
            (json!({"ticket_ids": ["A1"]}), &["ticket_ids"]),
            (json!({"ticket_ids": other}), &["ticket_ids"]),
            (json!({"ticket_ids": many}), &["ticket_ids"]),
            (json!({"ticket_ids": ["7"], "quantity": 1}), &["ticket_ids"]),
        ] {
            let mut wrong = wish(body.clone()).unwrap_err();
            wrong.sort();
            assert_eq!(wrong, fields, "{body}");
        }
    }
}
