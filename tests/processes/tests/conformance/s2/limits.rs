//! Six seats on hold for one user and event, unless a policy says otherwise. That a race does not get past it is trap T11.

use crate::s2::{act, hold, open_sale, wish};
use crate::walk::Walk;

/// Somebody tries to hold a seat that is free; the status inside the result.
async fn tried(walk: &Walk, seat: &str, who: &str) -> u64 {
    let acted = act(&walk.client("nobody"), &wish("/seats/hold", walk.word(seat), &walk.text(who))).await;
    let Some(status) = acted.inner_status() else {
        panic!("{who} and {seat}: refused at once, {}", acted.told())
    };
    assert_eq!(acted.is_success(), status == 200, "{}", acted.told());
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_holds_six_seats_of_an_event() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 12).await;
    for seat in 1..=6 {
        hold(&walk, &format!("seat{seat}"), "ann").await;
    }
    assert_eq!(tried(&walk, "seat7", "ann").await, 429, "a seventh is one too many");
    walk.converse(
        r#"
        nobody GET /seats/get/$seat7 -> 200 {"status":"Available","UUID":""}
        nobody GET /seats/list/$event -> 200 {"total":6}
        "#,
    )
    .await;
    hold(&walk, "seat7", "bob").await;

    // What is bought is on hold no more.
    let bought =
        act(&walk.client("nobody"), &wish("/seats/reserve", walk.word("seat1"), &walk.text("ann"))).await;
    assert!(bought.is_success(), "{}", bought.told());
    assert_eq!(tried(&walk, "seat8", "ann").await, 200);
    assert_eq!(tried(&walk, "seat9", "ann").await, 429);

    // Another event counts for itself.
    walk.converse(
        r#"
        nobody POST /events/create {"name":"Another","totalSeats":10} -> 201 {"id":"$another = digits"}
        nobody GET /seats/list/$another
            -> 200 {"seats":[{"id":"$elsewhere = id"},{},{},{},{},{},{},{},{},{}]}
        "#,
    )
    .await;
    assert_eq!(tried(&walk, "elsewhere", "ann").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_holds_is_a_policy() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"maxHoldsPerUser":2}}} -> 200|204"#)
        .await;
    hold(&walk, "seat1", "ann").await;
    hold(&walk, "seat2", "ann").await;
    assert_eq!(tried(&walk, "seat3", "ann").await, 429);
    walk.converse(r#"operator PUT /v1/policies/cluster {"facades":{"s2":{"maxHoldsPerUser":3}}} -> 200|204"#)
        .await;
    assert_eq!(tried(&walk, "seat3", "ann").await, 200);
    assert_eq!(tried(&walk, "seat4", "ann").await, 429);
    // A refreshed hold is not another one.
    walk.converse(r#"nobody POST /seats/refresh {"id":"$seat1","UUID":"$ann"} -> 200 {"message":"$text"}"#)
        .await;
}
