//! One guest's day: book, change, show the code, be admitted.

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::demo::guests::{Guest, fresh_key};
use crate::demo::loading::{OpenPark, slot};
use crate::demo::{Stage, check, fact};
use crate::failure::Failure;
use crate::http::Connection;
use crate::park::Window;

const PNG_MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) async fn play(stage: &Stage, park: &OpenPark) -> Result<Guest, Failure> {
    let ada = Guest::arrive(&stage.cluster.endpoints(), "Ada").await?;
    fact("Ada signs up and logs in");
    books_and_changes(&ada, park).await?;
    shows_her_code_and_is_admitted(stage, &ada, park).await?;
    Ok(ada)
}

async fn books_and_changes(ada: &Guest, park: &OpenPark) -> Result<(), Failure> {
    let ride = &park.rides[0];
    let (early, late) = (park.windows[park.windows.len() - 2], park.last_window());
    let key = fresh_key();
    let wish = json!({"rideId": ride.id, "cnt": 2, "startTime": early.0.to_string(), "endTime": early.1.to_string()});
    let first = ada.at(0).insist(Method::POST, "/rides/book", wish.clone(), &key).await?.success()?;
    let again = ada.at(1).insist(Method::POST, "/rides/book", wish, &key).await?.success()?;
    check(first == again, || format!("one key made two bookings: {first} and {again}"))?;
    let booking = &first["bookingId"];
    fact(&format!("node 1 books two places of {} for {}: booking {booking}", ride.name, early.0));
    fact("node 2, asked again under the same key, gives the same booking, not a second one");

    let change = json!({"cnt": 3, "startTime": late.0.to_string(), "endTime": late.1.to_string()});
    ada.at(2)
        .insist(Method::PUT, &format!("/rides/book/{booking}"), change, &fresh_key())
        .await?
        .success()?;
    let history = ada.at(0).get("/rides/book").await?;
    let row = &history["bookings"][0];
    let is_changed =
        row["bookingId"] == *booking && row["cnt"] == 3 && row["startTime"] == late.0.to_string();
    check(is_changed, || format!("the change is not in the history: {history}"))?;
    fact(&format!("node 3 moves it to {} and makes it three; node 1 shows that at once", late.0));
    Ok(())
}

async fn shows_her_code_and_is_admitted(stage: &Stage, ada: &Guest, park: &OpenPark) -> Result<(), Failure> {
    let ride = &park.rides[1];
    let window = open_an_extra_slot(stage, ride.id).await?;
    let (starts_at, ends_at) = (window.0.to_string(), window.1.to_string());
    let wish = json!({"rideId": ride.id, "cnt": 1, "startTime": starts_at, "endTime": ends_at});
    let booked = ada.at(1).insist(Method::POST, "/rides/book", wish, &fresh_key()).await?.success()?;
    let booking = &booked["bookingId"];
    fact(&format!("{} opens an extra slot that runs now; Ada books it: booking {booking}", ride.name));

    let code = ada.at(0).get(&format!("/rides/code/{booking}")).await?;
    let path = code["s3PresignedUrl"].as_str().and_then(|url| url.splitn(4, '/').nth(3)).unwrap_or_default();
    let endpoints = stage.cluster.endpoints();
    let last = &endpoints[endpoints.len() - 1];
    let image = Connection::to(last).send(Method::GET, &format!("/{path}"), None, None, None).await?;
    check(image.status == 200 && image.bytes.starts_with(PNG_MAGIC), || {
        format!("{code} is no image: {image:?}")
    })?;
    fact(&format!(
        "node 1 signs the URL of her entrance code, the last node draws it ({} bytes)",
        image.bytes.len()
    ));

    let path = format!("/rides/book/{booking}/checkin");
    let scan = json!({"status": "checked-in", "checkInTime": Timestamp::now().to_string()});
    stage.operator.call(Method::PATCH, &path, Some(scan.clone())).await?.success()?;
    let second = stage.operator.call(Method::PATCH, &path, Some(scan)).await?;
    check(second.code() == "already_used", || format!("a second scan was answered {}", second.json))?;
    fact("staff scan it: admitted. A second scan is refused: already_used");
    Ok(())
}

async fn open_an_extra_slot(stage: &Stage, ride: u64) -> Result<Window, Failure> {
    let starts_at = Timestamp::now() - SignedDuration::from_secs(5);
    let window = (starts_at, starts_at + SignedDuration::from_mins(30));
    let slots = Value::Array(vec![slot(window, 20)]);
    stage.operator.post(&format!("/v1/resources/{ride}/slots"), slots).await?;
    Ok(window)
}
