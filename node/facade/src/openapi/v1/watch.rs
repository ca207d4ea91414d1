//! `/v1/watch`, described.

use serde_json::{Value, json};

use crate::access::Endpoint;
use crate::http::v1::watch::EventBody;
use crate::openapi::answers::stream;
use crate::openapi::codes::{
    FEED_NOT_KEPT, INVALID, REVISION_GONE, REVISION_UNKNOWN, TOO_MANY_WATCHES, WATCHERS_FULL,
};
use crate::openapi::operation::{Operation, get};
use crate::openapi::parameters::{header, query};
use crate::openapi::schemas::{Components, of};

pub(in crate::openapi) fn operations() -> Vec<Operation> {
    vec![
        get("/v1/watch", "Watch what happens")
            .about("Server-sent events. The first is `hello`, whose id is where the stream starts; then every event once, in the order of the revisions, each with its revision as its id: see `WatchEvent`.")
            .about("Whoever names slots or resources is also sent `slot.availability`, which has no id: what is left of a slot, as of now.")
            .about("The node ends a stream with the event `cut`, whose data say why (`reason`) and behind which revision to go on (`resumeAfter`).")
            .about("Guests see their own bookings, apps those they manage, staff and operators all; everybody sees what is on offer.")
            .by(Endpoint::Watch)
            .with(header("Last-Event-ID", "Go on behind this revision; it counts before `after`.", start()))
            .with(query("after", "Start behind this revision, or behind all of an entry: the Holdfast-Index of an answer. Now, unless given.", start()))
            .with(query("slotId", "Only of these slots: repeated, or with commas between.", ids()))
            .with(query("resourceId", "Only of these resources.", ids()))
            .with(query("userId", "Only bookings of these users.", ids()))
            .with(query("kind", "Only of these kinds: `booking.held`, `booking.*`, `*`, ...", json!({"type": "string"})))
            .reads()
            .answers(stream("What happens.", events, EXAMPLE))
            .refuses(&[INVALID, REVISION_GONE, REVISION_UNKNOWN, FEED_NOT_KEPT, TOO_MANY_WATCHES, WATCHERS_FULL]),
    ]
}

const EXAMPLE: &str = "id: 1042-0\nevent: hello\ndata: {\"kind\":\"hello\",\"revision\":\"1042-0\"}\n\n\
    id: 1043-0\nevent: booking.held\n\
    data: {\"revision\":\"1043-0\",\"kind\":\"booking.held\",\"bookingId\":9,\"slotId\":1,\"resourceId\":1,\"userId\":2}\n\n";

fn events(components: &mut Components) -> Value {
    // The type of the data; no schema says how it stands in a stream.
    of::<EventBody>(components);
    json!({"type": "string"})
}

fn start() -> Value {
    json!({"type": "string", "pattern": "^([0-9]{1,19}(-[0-9]{1,9})?)?$"})
}

fn ids() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{1,18}(,[0-9]{1,18})*$"})
}
