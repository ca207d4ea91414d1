//! Seed S0, from the sign-up to the gate: its six endpoints, each call at another node, and the code that any node draws.

use std::io::Cursor;

use holdfast_cluster::{Connection, Reply};
use holdfast_processes::{Guest, Park, Recorder, Stage, arrive, beside, fresh_key, give_role, until};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_books_changes_cancels_and_is_admitted() {
    let _machine = beside().await;
    let mut walk = Walk::begin().await;
    let [now, later] = walk.windows;

    let booked = walk.guest_does(Method::POST, "/rides/book", walk.booking(now, 2)).await;
    assert_eq!(booked.status, 201, "{}", booked.json);
    let id = booked.json["bookingId"].as_u64().unwrap();
    let booked_at: Timestamp = booked.json["bookingTime"].as_str().unwrap().parse().unwrap();
    assert!((Timestamp::now() - booked_at).total(jiff::Unit::Second).unwrap() < 60.0);
    let other = walk.guest_does(Method::POST, "/rides/book", walk.booking(now, 1)).await;
    let other_id = other.json["bookingId"].as_u64().unwrap();

    let body = json!({"cnt": 3, "startTime": later.0.to_string(), "endTime": later.1.to_string()});
    walk.guest_succeeds(Method::PUT, &format!("/rides/book/{id}"), Some(body)).await;
    let rows = walk.history("").await;
    let row = &rows[1];
    assert_eq!((&row["bookingId"], &row["cnt"], &row["status"]), (&json!(id), &json!(3), &json!("BOOKING")));
    assert_eq!((&row["rideId"], &row["startTime"]), (&json!(walk.ride), &json!(later.0.to_string())));
    let body = json!({"cnt": 2, "startTime": now.0.to_string(), "endTime": now.1.to_string()});
    walk.guest_succeeds(Method::PUT, &format!("/rides/book/{id}"), Some(body)).await;

    walk.expect_code_on_every_node(id).await;

    let check_in = json!({"status": "checked-in", "checkInTime": Timestamp::now().to_string()});
    let path = format!("/rides/book/{id}/checkin");
    let admitted = walk.staff_does(Method::PATCH, &path, check_in.clone()).await;
    assert_eq!((admitted.status, admitted.json), (200, json!({"success": true})));
    let again = walk.staff_does(Method::PATCH, &path, check_in).await;
    assert_eq!((again.status, again.code()), (409, "already_used"));
    assert_eq!(again.json["usedBy"], walk.staff.user.0, "{}", again.json);
    assert!(again.json["usedAt"].is_string(), "{}", again.json);

    walk.guest_succeeds(Method::DELETE, &format!("/rides/book/{other_id}"), None).await;
    let gone = walk.guest_does(Method::DELETE, &format!("/rides/book/{other_id}"), None).await;
    assert_eq!((gone.status, gone.code()), (409, "already_cancelled"));
    let used = walk.guest_does(Method::DELETE, &format!("/rides/book/{id}"), None).await;
    assert_eq!((used.status, used.code()), (409, "already_used"));

    let rows = walk.history("?sort=bookingTime&order=asc").await;
    let seen: Vec<_> = rows.iter().map(|row| (row["bookingId"].as_u64(), row["status"].as_str())).collect();
    assert_eq!(seen, [(Some(id), Some("USED")), (Some(other_id), Some("CANCELED"))]);
    walk.stage.digest().await;
}

/// Trap T14: a URL that lives ten minutes and is made once a slot. Every GET signs another one, and the ones before stay
/// good for their time.
#[tokio::test(flavor = "multi_thread")]
async fn t14_the_url_of_a_code_is_signed_anew_as_often_as_it_is_asked_for() {
    let _machine = beside().await;
    let mut walk = Walk::begin().await;
    let [now, _] = walk.windows;
    let booked = walk.guest_does(Method::POST, "/rides/book", walk.booking(now, 1)).await;
    let path = format!("/rides/code/{}", booked.json["bookingId"]);
    let mut expiries = std::collections::BTreeSet::new();
    let mut urls = Vec::new();
    until("a URL of another second", std::time::Duration::from_secs(10), async || {
        let code = walk.guest_does(Method::GET, &path, None).await;
        assert_eq!(code.status, 200, "{}", code.json);
        let url = code.json["s3PresignedUrl"].as_str().unwrap().to_owned();
        let expires = url.split("exp=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
        expiries.insert(expires.parse::<i64>().unwrap());
        urls.push(url);
        (expiries.len() > 1).then_some(())
    })
    .await;
    for expires in expiries {
        assert!((expires - Timestamp::now().as_second()).abs_diff(600) < 30, "ten minutes: {expires}");
    }
    for url in [urls.first(), urls.last()].into_iter().flatten() {
        let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        image(address, &format!("/{path}"), 200, "image/png").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_comes_in_pages_in_both_orders() {
    let _machine = beside().await;
    let mut walk = Walk::begin().await;
    let [_, later] = walk.windows;
    let mut booked = Vec::new();
    for _ in 0..7 {
        let reply = walk.guest_does(Method::POST, "/rides/book", walk.booking(later, 1)).await;
        booked.push(reply.json["bookingId"].as_u64().unwrap());
    }
    for order in ["asc", "desc"] {
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = walk.history(&format!("?order={order}&size=3{after}")).await;
            let Some(last) = page.last() else { break };
            after = format!("&lastReceivedBookingId={}", last["bookingId"]);
            seen.extend(page.iter().map(|row| row["bookingId"].as_u64().unwrap()));
        }
        if order == "desc" {
            seen.reverse();
        }
        assert_eq!(seen, booked, "{order}");
    }
    assert_eq!(walk.history("?size=1000").await.len(), 7, "more is cut to 100");
}

/// A guest and a member of staff, who call one node after the other.
struct Walk {
    stage: Stage,
    ride: u64,
    /// One that has begun, and one of tomorrow.
    windows: [(Timestamp, Timestamp); 2],
    guest: Guest,
    staff: Guest,
    calls: usize,
}

impl Walk {
    async fn begin() -> Self {
        let stage = Stage::start(3).await;
        let park = Park::open(&stage.operator).await;
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let window = |minutes: i64| {
            let starts_at = now + SignedDuration::from_mins(minutes);
            (starts_at, starts_at + SignedDuration::from_hours(1))
        };
        let windows = [window(-1), window(24 * 60)];
        for (starts_at, ends_at) in windows {
            park.slot(&stage.operator, starts_at, ends_at, 20).await;
        }
        let mut guests = arrive(&stage, &Recorder::default(), 2).await;
        let (staff, guest) = (guests.remove(1), guests.remove(0));
        give_role(&stage, staff.user, "staff").await;
        Self { stage, ride: park.ride, windows, guest, staff, calls: 0 }
    }

    fn booking(&self, window: (Timestamp, Timestamp), count: u32) -> Option<Value> {
        let (start, end) = (window.0.to_string(), window.1.to_string());
        Some(json!({"rideId": self.ride, "cnt": count, "startTime": start, "endTime": end}))
    }

    async fn call(&mut self, method: Method, path: &str, token: &str, body: Option<Value>) -> Reply {
        self.calls += 1;
        let mut node = Connection::to(self.stage.address(self.calls % 3));
        let key = (method != Method::GET).then(fresh_key);
        let body = body.map(|body| body.to_string().into());
        node.send(method, path, Some(token), key.as_deref(), body).await.unwrap()
    }

    async fn guest_does(&mut self, method: Method, path: &str, body: impl Into<Option<Value>>) -> Reply {
        let token = self.guest.token.clone();
        self.call(method, path, &token, body.into()).await
    }

    async fn staff_does(&mut self, method: Method, path: &str, body: Value) -> Reply {
        let token = self.staff.token.clone();
        self.call(method, path, &token, Some(body)).await
    }

    async fn guest_succeeds(&mut self, method: Method, path: &str, body: Option<Value>) {
        let reply = self.guest_does(method, path, body).await;
        assert_eq!((reply.status, reply.json), (200, json!({"success": true})), "{path}");
    }

    async fn history(&mut self, query: &str) -> Vec<Value> {
        let reply = self.guest_does(Method::GET, &format!("/rides/book{query}"), None).await;
        assert_eq!(reply.status, 200, "{}", reply.json);
        reply.json["bookings"].as_array().unwrap().clone()
    }

    async fn expect_code_on_every_node(&mut self, booking: u64) {
        let code = self.guest_does(Method::GET, &format!("/rides/code/{booking}"), None).await;
        assert_eq!(code.status, 200, "{}", code.json);
        let url = code.json["s3PresignedUrl"].as_str().unwrap();
        let without_scheme = url.strip_prefix("http://").unwrap_or_else(|| panic!("not absolute: {url}"));
        let (host, path) = without_scheme.split_once("/q/").unwrap();
        assert!(self.stage.addresses().iter().any(|address| address == host), "{host} is no node");
        let (token, query) = path.split_once(".png?").unwrap();
        assert!(query.contains("exp=") && query.contains("sig="), "{query}");

        let mut images = Vec::new();
        for address in self.stage.addresses() {
            let png = image(&address, &format!("/q/{token}.png?{query}"), 200, "image/png").await;
            let svg = image(&address, &format!("/q/{token}.svg?{query}"), 200, "image/svg+xml").await;
            expect_code(&png);
            assert!(
                svg.starts_with(b"<svg") && svg.ends_with(b"</svg>"),
                "{}",
                String::from_utf8_lossy(&svg)
            );
            images.push((png, svg));
            // Nobody draws what is not signed: another code, a longer life, no signature.
            let others = [
                format!("/q/{token}A.png?{query}"),
                format!("/q/{token}.png?{}", query.replace("exp=", "exp=9")),
                format!("/q/{token}.png?{}", query.replace("sig=", "sig=9")),
                format!("/q/{token}.png"),
            ];
            for other in others {
                image(&address, &other, 403, "application/problem+json").await;
            }
        }
        assert!(images.iter().all(|image| *image == images[0]), "all nodes draw the same");
    }
}

async fn image(address: &str, path: &str, status: u16, content_type: &str) -> Vec<u8> {
    let reply = Connection::to(address).send(Method::GET, path, None, None, None).await.unwrap();
    let seen = reply.headers["content-type"].to_str().unwrap();
    assert_eq!((reply.status, seen), (status, content_type), "{path}");
    reply.bytes.to_vec()
}

/// A QR code as scanners find it: white around, and a square in each of three corners.
fn expect_code(png: &[u8]) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let side = frame.width as usize;
    assert_eq!((frame.width, frame.bit_depth), (frame.height, png::BitDepth::One));
    let is_dark = |x: usize, y: usize| pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
    let quiet = (0..side).find(|at| is_dark(*at, *at)).unwrap();
    let run = (quiet..side).find(|x| !is_dark(*x, quiet)).unwrap() - quiet;
    assert!(quiet > 0 && run % 7 == 0, "a corner is seven modules wide: {run}");
    let (module, far) = (run / 7, side - quiet - run);
    assert_eq!((quiet / module, (side - 2 * quiet) / module % 4), (4, 1), "the sizes of the standard");
    for (left, top) in [(quiet, quiet), (far, quiet), (quiet, far)] {
        let row = |y: usize| -> Vec<bool> {
            (0..7).map(|x| is_dark(left + x * module + module / 2, top + y * module + module / 2)).collect()
        };
        assert_eq!(row(0), [true; 7]);
        assert_eq!(row(1), [true, false, false, false, false, false, true]);
        assert_eq!(row(3), [true, false, true, true, true, false, true]);
    }
}
