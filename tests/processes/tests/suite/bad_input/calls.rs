//! Calls that are well-formed HTTP and make no sense: one table a subject.

use holdfast_processes::beside;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn senseless_bookings_are_refused() {
    let _machine = beside().await;
    Scene::open(3)
        .await
        .refuses(
            r#"
            guest POST /v1/bookings {                                          -> 400 malformed
            guest POST /v1/bookings []                                         -> 400 malformed
            guest POST /v1/bookings null                                       -> 400 malformed
            guest POST /v1/bookings "slot"                                     -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,}                          -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot} {"slotId":$slot}          -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"slotId":$slot}            -> 400 malformed
            guest POST /v1/bookings {}                                         -> 400 malformed
            guest POST /v1/bookings {"count":1}                                -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"seat":"A1"}               -> 400 malformed
            guest POST /v1/bookings {"slotId":null}                            -> 400 malformed
            guest POST /v1/bookings {"slotId":true}                            -> 400 malformed
            guest POST /v1/bookings {"slotId":1.5}                             -> 400 malformed
            guest POST /v1/bookings {"slotId":1e3}                             -> 400 malformed
            guest POST /v1/bookings {"slotId":[$slot]}                         -> 400 malformed
            guest POST /v1/bookings {"slotId":{"id":$slot}}                    -> 400 malformed
            guest POST /v1/bookings {"slotId":""}                              -> 400 malformed
            guest POST /v1/bookings {"slotId":"$slot "}                        -> 400 malformed
            guest POST /v1/bookings {"slotId":9223372036854775808}             -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":"1"}               -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":null}              -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":1.0}               -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":true}              -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":9223372036854775808} -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":1e99}              -> 400 malformed
            guest POST /v1/bookings {"slotId":$slot,"count":0}                 -> 422 invalid
            guest POST /v1/bookings {"slotId":$slot,"count":-1}                -> 422 invalid
            guest POST /v1/bookings {"slotId":$slot,"count":-9223372036854775808} -> 422 invalid
            guest POST /v1/bookings {"slotId":$slot,"count":11}                -> 409 slot_full
            guest POST /v1/bookings {"slotId":$slot,"count":4294967295}        -> 409 slot_full
            guest POST /v1/bookings {"slotId":$slot,"count":4294967297}        -> 409 slot_full
            guest POST /v1/bookings {"slotId":$slot,"count":9223372036854775807} -> 409 slot_full
            guest POST /v1/bookings {"slotId":0}                               -> 404 slot_not_found
            guest POST /v1/bookings {"slotId":-1}                              -> 404 slot_not_found
            guest POST /v1/bookings {"slotId":999999}                          -> 404 slot_not_found
            guest POST /v1/bookings {"slotId":9223372036854775807}             -> 404 slot_not_found
            guest POST /v1/bookings {"slotId":$slot,"poolId":999999}           -> 404 pool_not_found
            guest POST /v1/bookings {"slotId":$slot,"userId":$stranger}        -> 403 forbidden
            staff POST /v1/bookings {"slotId":$slot,"userId":999999}           -> 404 user_not_found
            nobody POST /v1/bookings {"slotId":$slot}                          -> 401 unauthenticated
            "#,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_foreign_bookings_are_refused_alike() {
    let _machine = beside().await;
    Scene::open(3)
        .await
        .refuses(
            r#"
            guest GET /v1/bookings/999999                                      -> 404 booking_not_found
            guest GET /v1/bookings/$theirs                                     -> 404 booking_not_found
            guest GET /v1/bookings/0                                           -> 404 booking_not_found
            guest GET /v1/bookings/-1                                          -> 404 booking_not_found
            guest GET /v1/bookings/one                                         -> 404 booking_not_found
            guest GET /v1/bookings/18446744073709551616                        -> 404 booking_not_found
            guest POST /v1/bookings/999999/cancel                              -> 404 booking_not_found
            guest POST /v1/bookings/$theirs/cancel                             -> 404 booking_not_found
            guest PATCH /v1/bookings/999999 {"count":2}                        -> 404 booking_not_found
            guest PATCH /v1/bookings/$theirs {"count":2}                       -> 404 booking_not_found
            guest PATCH /v1/bookings/$mine {}                                  -> 422 invalid
            guest PATCH /v1/bookings/$mine {"count":0}                         -> 422 invalid
            guest PATCH /v1/bookings/$mine {"count":-2}                        -> 422 invalid
            guest PATCH /v1/bookings/$mine {"count":"2"}                       -> 400 malformed
            guest PATCH /v1/bookings/$mine {"places":2}                        -> 400 malformed
            guest PATCH /v1/bookings/$mine {"count":4294967298}                -> 409 slot_full
            guest PATCH /v1/bookings/$mine {"slotId":999999}                   -> 404 slot_not_found
            guest PATCH /v1/bookings/$mine {"poolId":999999}                   -> 404 pool_not_found
            guest POST /v1/bookings/$mine/check-in                             -> 403 forbidden
            staff POST /v1/bookings/999999/check-in                            -> 404 booking_not_found
            staff POST /v1/bookings/$mine/check-in                             -> 409 too_early
            guest GET /v1/bookings?userId=$stranger                            -> 403 forbidden
            guest GET /v1/bookings?slotId=one                                  -> 400 malformed
            guest GET /v1/bookings?after=-1                                    -> 400 malformed
            guest GET /v1/bookings?limit=many                                  -> 400 malformed
            guest GET /v1/bookings?limit=0                                     -> 422 invalid
            guest GET /v1/bookings?limit=-1                                    -> 422 invalid
            guest GET /v1/bookings?limit=99999999999999999999                  -> 400 malformed
            guest GET /v1/bookings?slotId=%zz                                  -> 400 malformed
            guest GET /v1/bookings?slotId=%ff                                  -> 400 malformed
            guest GET /v1/bookings/$mine?consistency=maybe                     -> 400 malformed
            guest GET /v1/bookings/$mine?consistency=stale&max_staleness=-1    -> 400 malformed
            guest GET /v1/slots/999999                                         -> 404 slot_not_found
            guest GET /v1/slots/one                                            -> 404 slot_not_found
            guest GET /v1/resources/999999/slots                               -> 404 resource_not_found
            guest GET /v1/resources/$ride/slots?from=tomorrow                  -> 400 malformed
            guest DELETE /v1/bookings/$mine                                    -> 405 no_such_method
            guest GET /v1/bookings/$mine/                                      -> 404 no_such_path
            guest GET /v2/bookings                                             -> 404 no_such_path
            nobody GET /v1/bookings/$mine                                      -> 401 unauthenticated
            nobody GET /v1/cluster                                             -> 401 unauthenticated
            guest GET /v1/cluster                                              -> 403 forbidden
            "#,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_offers_are_refused() {
    let _machine = beside().await;
    Scene::open(1)
        .await
        .refuses(
            r#"
            guest POST /v1/venues {"name":"P","region":"-","timeZone":"UTC","openAt":"09:00","closeAt":"22:00"} -> 403 forbidden
            operator POST /v1/venues {"name":"P","region":"-","timeZone":"Mars/Base","openAt":"09:00","closeAt":"22:00"} -> 422 invalid
            operator POST /v1/venues {"name":"P","region":"-","timeZone":"UTC","openAt":"25:00","closeAt":"22:00"} -> 422 invalid
            operator POST /v1/venues {"name":"P","region":"-","timeZone":"UTC","openAt":"9 o'clock","closeAt":"22:00"} -> 400 malformed
            operator POST /v1/venues {"name":"","region":"-","timeZone":"UTC","openAt":"09:00","closeAt":"22:00"} -> 422 invalid
            operator POST /v1/venues {"name":7,"region":"-","timeZone":"UTC","openAt":"09:00","closeAt":"22:00"} -> 400 malformed
            operator POST /v1/resources {"venueId":$venue,"kind":"boat","name":"R"}      -> 400 malformed
            operator POST /v1/resources {"venueId":999999,"kind":"ride","name":"R"}      -> 404 venue_not_found
            guest POST /v1/resources/$ride/slots []                                      -> 403 forbidden
            operator POST /v1/resources/$ride/slots []                                   -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T09:00:00Z","pools":[{"name":"p","capacity":1}]} -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T10:00:00Z","pools":[{"name":"p","capacity":1}]} -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-13-01T10:00:00Z","endTime":"2031-01-01T10:00:00Z","pools":[{"name":"p","capacity":1}]} -> 400 malformed
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00","endTime":"2031-01-01T11:00:00","pools":[{"name":"p","capacity":1}]} -> 400 malformed
            operator POST /v1/resources/$ride/slots {"startTime":1,"endTime":2,"pools":[{"name":"p","capacity":1}]} -> 400 malformed
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[]} -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[{"name":"p","capacity":0}]} -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[{"name":"p","capacity":-1}]} -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[{"name":"p","capacity":4294967297}]} -> 422 invalid
            operator POST /v1/resources/$ride/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[{"name":"p","capacity":9223372036854775808}]} -> 400 malformed
            operator POST /v1/resources/$ride/slots [{"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[{"name":"p","capacity":1}]},{}] -> 400 malformed
            operator POST /v1/resources/999999/slots {"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z","pools":[{"name":"p","capacity":1}]} -> 404 resource_not_found
            operator PUT /v1/users/999999/role {"role":"staff"}                          -> 404 user_not_found
            operator PUT /v1/users/$stranger/role {"role":"king"}                        -> 400 malformed
            guest PUT /v1/users/$stranger/role {"role":"staff"}                          -> 403 forbidden
            nobody POST /auth/signup {"email":"a@b.c","password":"short","name":"A"}     -> 400 malformed
            nobody POST /auth/signup {"email":"nowhere","password":"long enough","name":"A"} -> 400 malformed
            nobody POST /auth/signup {"email":"operator@holdfast.local","password":"long enough","name":"A"} -> 409 email_taken
            nobody POST /auth/login {"email":"operator@holdfast.local","password":"guess"} -> 401 bad_credentials
            nobody POST /auth/login {"email":"nobody@holdfast.local","password":"guess"} -> 401 bad_credentials
            nobody POST /auth/refresh {"refreshToken":"x"}                               -> 401 unauthenticated
            "#,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_changes_of_members_are_refused() {
    let _machine = beside().await;
    Scene::open(1)
        .await
        .refuses(
            r#"
            nobody DELETE /v1/cluster/nodes/1                                            -> 401 unauthenticated
            guest DELETE /v1/cluster/nodes/1                                             -> 403 forbidden
            staff POST /v1/cluster/transfer                                              -> 403 forbidden
            operator DELETE /v1/cluster/nodes/1                                          -> 409 last_voter
            operator DELETE /v1/cluster/nodes/1?dryRun=true                              -> 409 last_voter
            operator DELETE /v1/cluster/nodes/1?dryRun=maybe                             -> 400 malformed
            operator DELETE /v1/cluster/nodes/999999                                     -> 404 node_not_found
            operator DELETE /v1/cluster/nodes/one                                        -> 404 node_not_found
            operator DELETE /v1/cluster/nodes/-1                                         -> 404 node_not_found
            operator GET /v1/cluster/nodes/1                                             -> 405 no_such_method
            operator POST /v1/cluster/nodes/1/drain                                      -> 409 last_voter
            operator POST /v1/cluster/nodes/999999/promote                               -> 404 node_not_found
            operator POST /v1/cluster/nodes/1/replace {"by":1}                           -> 409 cannot_replace
            operator POST /v1/cluster/nodes/1/replace {"by":999999}                      -> 409 cannot_replace
            operator POST /v1/cluster/nodes/1/replace {"by":"one"}                       -> 400 malformed
            operator POST /v1/cluster/nodes/1/replace {"with":1}                         -> 400 malformed
            operator POST /v1/cluster/transfer {"to":1}                                  -> 409 already_leads
            operator POST /v1/cluster/transfer {"to":true}                               -> 400 malformed
            operator POST /v1/cluster/transfer {"whom":1}                                -> 400 malformed
            operator POST /v1/cluster/transfer                                           -> 409 no_successor
            "#,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senseless_rides_are_refused() {
    let _machine = beside().await;
    Scene::open(1)
        .await
        .refuses(
            r#"
            nobody POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 401 unauthenticated
            guest POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 404 slot_not_found
            guest POST /rides/book {"rideId":999999,"cnt":1,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 404 slot_not_found
            guest POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"2031-01-01T11:00:00Z","endTime":"2031-01-01T10:00:00Z"} -> 422 invalid
            guest POST /rides/book {"rideId":$ride,"cnt":0,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 422 invalid
            guest POST /rides/book {"rideId":$ride,"cnt":"1","startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 400 malformed
            guest POST /rides/book {"rideId":$ride,"cnt":1,"startTime":"now","endTime":"then"} -> 400 malformed
            guest POST /rides/book {"rideId":$ride,"cnt":1}                              -> 400 malformed
            guest PUT /rides/book/999999 {"cnt":1,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 404 booking_not_found
            guest PUT /rides/book/$theirs {"cnt":1,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 404 booking_not_found
            guest PUT /rides/book/$mine {"cnt":1,"startTime":"2031-01-01T10:00:00Z","endTime":"2031-01-01T11:00:00Z"} -> 404 slot_not_found
            guest DELETE /rides/book/999999                                              -> 404 booking_not_found
            guest DELETE /rides/book/$theirs                                             -> 404 booking_not_found
            guest GET /rides/code/999999                                                 -> 404 booking_not_found
            guest GET /rides/code/$theirs                                                -> 404 booking_not_found
            guest PATCH /rides/book/$mine/checkin {"status":"checked-in","checkInTime":"2031-01-01T10:00:00Z"} -> 403 forbidden
            staff PATCH /rides/book/$mine/checkin {"status":"gone","checkInTime":"2031-01-01T10:00:00Z"} -> 422 invalid
            staff PATCH /rides/book/$mine/checkin {"status":"checked-in"}                -> 400 malformed
            staff PATCH /rides/book/999999/checkin {"status":"checked-in","checkInTime":"2031-01-01T10:00:00Z"} -> 404 booking_not_found
            guest GET /rides/book?size=0                                                 -> 422 invalid
            guest GET /rides/book?size=all                                               -> 400 malformed
            guest GET /rides/book?sort=name                                              -> 422 invalid
            guest GET /rides/book?order=up                                               -> 422 invalid
            guest GET /rides/book?lastReceivedBookingId=x                                -> 400 malformed
            nobody GET /q/HF1.1.x.png                                                    -> 403 bad_signature
            nobody GET /q/HF1.1.x.png?exp=9999999999&sig=1-1.AAAA                        -> 403 bad_signature
            nobody GET /q/HF1.1.x.gif?exp=9999999999&sig=x                               -> 404 no_such_path
            "#,
        )
        .await;
}
