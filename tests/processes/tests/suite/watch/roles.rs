//! Who sees what, and whose stream ends.

use holdfast_cluster::Api;
use holdfast_model::Revision;
use holdfast_processes::{
    Diary, Guest, Park, Recorder, Sse, SseCall, SseEvent, Stage, Told, Watcher, arrive, arrive_app, beside,
    give_role,
};
use hyper::Method;
use serde_json::{Value, json};

use super::{PATIENCE, now, read_until};

async fn books(guest: &Guest, wish: Value) -> u64 {
    guest.api().post("/v1/bookings", wish).await.unwrap()["id"].as_u64().unwrap()
}

async fn cancels(guest: &Guest, booking: u64) {
    guest.api().post(&format!("/v1/bookings/{booking}/cancel"), json!({})).await.unwrap();
}

/// All that somebody is told at a node that follows, by both protocols.
struct Pair([Diary; 2]);

impl Pair {
    fn of(stage: &Stage, node: usize, token: &str, begun: Revision) -> Self {
        let watcher = || {
            let addresses = vec![stage.address(node)];
            Watcher { addresses, token: token.to_owned(), after: Some(begun) }
        };
        Self([watcher().by_sse("SSE"), watcher().by_grpc("gRPC")])
    }

    async fn was_told(&self, who: &str, expected: &[Told]) {
        for diary in &self.0 {
            diary.reaches(expected.last().unwrap().revision, PATIENCE).await;
            assert_eq!(diary.told(), expected, "{who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_his_own_bookings_and_what_is_on_offer() {
    let _machine = beside().await;
    let (stage, recorder) = (Stage::start(3).await, Recorder::default());
    let guests = arrive(&stage, &recorder, 3).await;
    let [ada, ben, staff] = guests.as_slice() else { unreachable!() };
    give_role(&stage, staff.user, "staff").await;
    let app = arrive_app(&stage, &recorder).await;
    let node = stage.follower().await;
    let begun = now(&stage, node).await;
    let pair = |token: &str| Pair::of(&stage, node, token, begun);
    let [of_ada, of_ben, of_app, of_staff] =
        [&ada.token, &ben.token, &app.token, &staff.token].map(|token| pair(token));

    let park = Park::open(&stage.operator).await;
    let slot = park.slots(&stage.operator, &[100]).await[0];
    let adas = books(ada, json!({"slotId": slot.0})).await;
    let bens = books(ben, json!({"slotId": slot.0, "hold": true, "holdSeconds": 600})).await;
    let by_app = books(&app, json!({"slotId": slot.0, "userId": ada.user.0})).await;
    let apps = books(&app, json!({"slotId": slot.0})).await;
    cancels(ben, bens).await;
    cancels(ada, adas).await;
    let last = park.slots(&stage.operator, &[1]).await[0];

    let whole = read_until(&stage, node, begun, last).await;
    let of = |bookings: &[u64]| -> Vec<Told> {
        let is_shown = |told: &&Told| told.booking.is_none_or(|booking| bookings.contains(&booking));
        whole.iter().filter(is_shown).cloned().collect()
    };
    let bookings = whole.iter().filter(|told| told.booking.is_some()).count();
    assert_eq!(bookings, 6, "{whole:?}");
    of_ada.was_told("Ada, for whom the app has booked too", &of(&[adas, by_app])).await;
    of_ben.was_told("Ben", &of(&[bens])).await;
    of_app.was_told("the app", &of(&[by_app, apps])).await;
    of_staff.was_told("the staff", &whole).await;

    // Asking for somebody else's bookings shows nothing of them.
    let after = whole.last().unwrap().revision;
    let query = format!("?userId={},{}&after={after}", ben.user.0, ada.user.0);
    let call = SseCall { query: &query, token: &ada.token, ..SseCall::default() };
    let mut stream = Sse::open(&stage.address(node), call).await.stream();
    assert_eq!(stream.next().await.unwrap().name, "hello");
    books(ben, json!({"slotId": slot.0})).await;
    let own = books(ada, json!({"slotId": slot.0})).await;
    tells(&mut stream, own, "booking.confirmed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_told_what_is_left_of_a_slot_and_not_who_has_it() {
    let _machine = beside().await;
    let (stage, recorder) = (Stage::start(3).await, Recorder::default());
    let guests = arrive(&stage, &recorder, 2).await;
    let [ada, ben] = guests.as_slice() else { unreachable!() };
    let park = Park::open(&stage.operator).await;
    let slot = park.slots(&stage.operator, &[10]).await[0];
    let query = format!("?slotId={}", slot.0);
    let call = SseCall { query: &query, token: &ada.token, ..SseCall::default() };
    let mut stream = Sse::open(&stage.address(stage.follower().await), call).await.stream();
    assert_eq!(stream.next().await.unwrap().name, "hello");
    left(&mut stream, [10, 0, 0]).await;
    let held = books(ben, json!({"slotId": slot.0, "count": 3, "hold": true, "holdSeconds": 600})).await;
    left(&mut stream, [7, 3, 0]).await;
    ben.api().post(&format!("/v1/bookings/{held}/confirm"), json!({})).await.unwrap();
    left(&mut stream, [7, 0, 3]).await;
    cancels(ben, held).await;
    left(&mut stream, [10, 0, 0]).await;
}

/// Waits until a slot has so many places that are nobody's, held and booked; nothing else may be told.
async fn left(stream: &mut Sse, [available, held, confirmed]: [u64; 3]) {
    let read = async {
        loop {
            let Some(SseEvent { name, id, data }) = stream.next().await else { panic!("the stream ended") };
            assert_eq!((name.as_str(), id), ("slot.availability", None), "{data}");
            assert!(data.get("userId").is_none() && data.get("bookingId").is_none(), "{data}");
            let pool = &data["pools"][0];
            let expected =
                json!({"id": pool["id"], "available": available, "held": held, "confirmed": confirmed});
            if *pool == expected {
                return;
            }
        }
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    assert!(read.is_ok(), "nobody was told of {available} places, {held} held and {confirmed} booked");
}

/// Tokens are good for so long: long enough to do something with them, even on a busy machine.
const TOKEN_SECONDS: &str = "15";

/// Waits for the end of a stream, which may tell more first; where to go on.
async fn ends(stream: &mut Sse) -> String {
    let read = async {
        while let Some(event) = stream.next().await {
            if event.name == "cut" {
                assert!(stream.next().await.is_none(), "nothing comes behind a cut");
                return event;
            }
        }
        panic!("the stream ended without a word");
    };
    let Ok(cut) = tokio::time::timeout(PATIENCE, read).await else { panic!("the stream goes on") };
    assert_eq!(cut.data["reason"], "unauthenticated", "{cut:?}");
    assert_eq!(cut.data["resumeAfter"].as_str(), Some(stream.last_id.as_str()), "{cut:?}");
    stream.last_id.clone()
}

async fn open(address: &str, token: &str, last_event_id: Option<&str>) -> Sse {
    let call = SseCall { token, last_event_id, ..SseCall::default() };
    let mut stream = Sse::open(address, call).await.stream();
    assert_eq!(stream.next().await.unwrap().name, "hello");
    stream
}

/// The next event is of a booking.
async fn tells(stream: &mut Sse, booking: u64, kind: &str) {
    let event = tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap();
    assert_eq!((event.name.as_str(), event.data["bookingId"].as_u64()), (kind, Some(booking)), "{event:?}");
}

async fn is_refused(address: &str, token: &str) {
    let (status, problem) = Sse::open(address, SseCall { token, ..SseCall::default() }).await.refusal();
    assert_eq!(status, 401, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_a_guest_who_is_banned_ends_and_so_does_one_of_who_has_another_role() {
    let _machine = beside().await;
    let (stage, recorder) = (Stage::start(3).await, Recorder::default());
    let guests = arrive(&stage, &recorder, 2).await;
    let [ada, ben] = guests.as_slice() else { unreachable!() };
    let slot = Park::open(&stage.operator).await.slots(&stage.operator, &[10]).await[0];
    let address = stage.address(stage.follower().await);
    let (mut of_ada, mut of_ben) =
        (open(&address, &ada.token, None).await, open(&address, &ben.token, None).await);
    let adas = books(ada, json!({"slotId": slot.0})).await;
    let bens = books(ben, json!({"slotId": slot.0})).await;
    tells(&mut of_ada, adas, "booking.confirmed").await;
    tells(&mut of_ben, bens, "booking.confirmed").await;

    let path = format!("/v1/users/{}/ban", ben.user.0);
    stage.operator.call(Method::PUT, &path, Some(json!({"reason": "x"}))).await.unwrap().success().unwrap();
    ends(&mut of_ben).await;
    is_refused(&address, &ben.token).await;

    // Whoever may see more from now on sees it on another stream.
    give_role(&stage, ada.user, "staff").await;
    ends(&mut of_ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_and_goes_on_with_the_next_one() {
    let _machine = beside().await;
    let stage = Stage::start_with(3, &[("HOLDFAST_AUTH_ACCESS_TOKEN_SECONDS", TOKEN_SECONDS)]).await;
    let operator = async || stage.cluster.operator_api().await.unwrap();
    let slot = Park::open(&operator().await).await.slots(&operator().await, &[10]).await[0];
    let node = stage.follower().await;
    let address = stage.address(node);
    let ada = Account::make(&stage).await;
    let first = ada.log_in(&stage).await;
    let mut stream = open(&address, first.token.as_deref().unwrap(), None).await;
    let booked = first.post("/v1/bookings", json!({"slotId": slot.0})).await.unwrap();
    let booking = booked["id"].as_u64().unwrap();
    tells(&mut stream, booking, "booking.confirmed").await;

    // From here on nothing happens in the cluster: time passes all the same.
    let at = ends(&mut stream).await;
    is_refused(&address, first.token.as_deref().unwrap()).await;

    let second = ada.log_in(&stage).await;
    second.post(&format!("/v1/bookings/{booking}/cancel"), json!({})).await.unwrap();
    let mut stream = open(&address, second.token.as_deref().unwrap(), Some(&at)).await;
    tells(&mut stream, booking, "booking.cancelled").await;
}

/// A guest who logs in more than once.
struct Account {
    email: String,
}

impl Account {
    const PASSWORD: &str = "up-by-the-hill";

    async fn make(stage: &Stage) -> Self {
        let email = format!("{:016x}@guests.local", rand::random::<u64>());
        let wish = json!({"email": email, "password": Self::PASSWORD, "name": "Guest"});
        stage.cluster.api().post("/auth/signup", wish).await.unwrap();
        Self { email }
    }

    async fn log_in(&self, stage: &Stage) -> Api {
        let mut api = stage.cluster.api();
        api.log_in(&self.email, Self::PASSWORD).await.unwrap();
        api
    }
}
