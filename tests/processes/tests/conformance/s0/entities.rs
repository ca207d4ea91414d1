//! The seed's entities, as the native calls make and show them: the seed itself has no call for parks, rides and windows.

use super::open_park;

#[tokio::test(flavor = "multi_thread")]
async fn branches_rides_windows_and_users_have_what_the_seed_says_of_them() {
    let mut walk = open_park().await;
    let (mia, ride) = (walk.number("mia"), walk.number("ride"));
    walk.knows("mia_number", mia);
    walk.knows("ride_number", ride);
    walk.converse(
        r#"
        operator GET /v1/venues/$venue
            -> 200 {"id":"$venue","name":"Park","region":"-","openAt":"09:00","closeAt":"22:00"}
        mia GET /v1/resources/$ride -> 200 {"id":"$ride_number","venueId":"$venue","kind":"ride","name":"Ride"}
        mia GET /v1/slots/$soon_slot
            -> 200 {"id":"$soon_slot","resourceId":"$ride_number","startTime":"$soon_from","endTime":"$soon_to",
                    "pools":[{"capacity":20,"available":20}]}
        operator GET /v1/users/$mia
            -> 200 {"id":"$mia_number","name":"mia","email":"$text","createdAt":"$recent",
                    "password":"$absent","passwordHash":"$absent"}

        mia POST /rides/book {"rideId":$ride,"cnt":2,$soon} -> 201 {"bookingId":"$booking = count"}
        mia GET /v1/bookings/$booking
            -> 200 {"id":"$booking","slotId":"$soon_slot","userId":"$mia_number","count":2,"status":"confirmed",
                    "bookedAt":"$recent"}
        mia GET /v1/slots/$soon_slot -> 200 {"pools":[{"capacity":20,"available":18}]}
        "#,
    )
    .await;
}
