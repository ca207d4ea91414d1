//! `POST /seats/hold/refresh` and `POST /seats/refresh`: the same call, at once. That it extends a hold is trap T4.

use crate::s2::{act, hold, open_sale, wish};
use crate::walk::Walk;

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_refreshed_by_its_holder_on_both_paths() {
    let mut walk = Walk::open_trusting().await;
    open_sale(&mut walk, 10).await;
    hold(&walk, "seat1", "ann").await;
    hold(&walk, "seat2", "ann").await;
    let bought =
        act(&walk.client("nobody"), &wish("/seats/reserve", walk.word("seat2"), &walk.text("ann"))).await;
    assert!(bought.is_success(), "{}", bought.told());
    for path in ["/seats/hold/refresh", "/seats/refresh"] {
        let table = r#"
            nobody POST PATH {"id":"$seat1","UUID":"$ann","color":"red"} -> 200 {"message":"$text"}
            nobody GET /seats/get/$seat1 -> 200 {"UUID":"$ann","status":"On hold"}
            nobody POST PATH {"id":"$seat1","UUID":"$bob"} -> 403 error
            nobody POST PATH {"id":"$seat3","UUID":"$ann"} -> 409 error
            nobody POST PATH {"id":"$seat2","UUID":"$ann"} -> 409 error
            nobody POST PATH {"id":"999999999","UUID":"$ann"} -> 404 error
            nobody POST PATH {"UUID":"$ann"} -> 400 error
            nobody POST PATH {"id":"$seat1"} -> 400 error
            nobody POST PATH {} -> 400 error
            nobody POST PATH { -> 400 error
            nobody GET /seats/get/$seat1 -> 200 {"UUID":"$ann","status":"On hold"}
            nobody GET /seats/get/$seat3 -> 200 {"UUID":"","status":"Available"}
        "#;
        walk.converse(&table.replace("PATH", path)).await;
    }
}
