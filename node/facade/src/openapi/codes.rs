//! Every code of a problem that a call may come to: its status, and what it means.

/// A code that programs may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Code {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) means: &'static str,
}

macro_rules! codes {
    ($($name:ident = $status:literal $code:literal $means:literal;)*) => {
        $(pub(super) const $name: Code = Code { status: $status, code: $code, means: $means };)*

        /// All of them.
        #[cfg(test)]
        pub(super) const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    MALFORMED = 400 "malformed" "The call is not what it takes: a field is missing, unknown or of another type, or a header is wrong.";
    S1_INVALID = 400 "invalid" "What is asked for is well-formed, but makes no sense.";
    S1_HAS_SLOTS = 400 "has_slots" "The event has performances; delete them first.";
    S1_HAS_BOOKINGS = 400 "has_bookings" "Seats of the performance are reserved or sold, so it stays as it is.";
    WRONG_FIELDS = 400 "wrong_fields" "The answer says of each field what is wrong.";
    UNAUTHENTICATED = 401 "unauthenticated" "Nobody is signed in: the token is missing, wrong or revoked.";
    TOKEN_EXPIRED = 401 "token_expired" "The access token has expired; refresh it or log in again.";
    BANNED = 401 "banned" "The account is banned; an operator can lift the ban.";
    BAD_CREDENTIALS = 401 "bad_credentials" "The address or the password is wrong.";
    SESSION_INVALID = 401 "session_invalid" "The refresh token has expired, was used before, or was revoked; log in again.";
    UNSIGNED_WEBHOOK = 401 "bad_signature" "No provider that this cluster knows has signed the call just now.";
    FORBIDDEN = 403 "forbidden" "The caller's role does not allow this.";
    NOT_HOLDER = 403 "not_holder" "The seat is on hold by somebody else.";
    UNSIGNED_URL = 403 "bad_signature" "The URL is not signed by this cluster.";
    NO_SUCH_PATH = 404 "no_such_path" "Nothing is served there.";
    VENUE_NOT_FOUND = 404 "venue_not_found" "There is no such venue.";
    RESOURCE_NOT_FOUND = 404 "resource_not_found" "There is no such resource.";
    SLOT_NOT_FOUND = 404 "slot_not_found" "There is no such slot, or it was taken off.";
    POOL_NOT_FOUND = 404 "pool_not_found" "The slot has no such pool.";
    EVENT_NOT_FOUND = 404 "event_not_found" "There is no such event.";
    TICKET_TYPE_NOT_FOUND = 404 "ticket_type_not_found" "There is no such type of tickets.";
    SEAT_NOT_FOUND = 404 "seat_not_found" "The pool has no such seat.";
    BOOKING_NOT_FOUND = 404 "booking_not_found" "There is no such booking, or it is not the caller's.";
    PAYMENT_NOT_FOUND = 404 "payment_not_found" "No booking is paid under this reference.";
    JOB_NOT_FOUND = 404 "job_not_found" "There is no such job, it is not the caller's, or its result was forgotten.";
    USER_NOT_FOUND = 404 "user_not_found" "There is no such user, or the caller may not know of him.";
    APP_NOT_FOUND = 404 "app_not_found" "There is no such app.";
    SECRET_NOT_FOUND = 404 "secret_not_found" "The app has no such secret.";
    DEVICE_NOT_FOUND = 404 "device_not_found" "The user has no such device.";
    WEBHOOK_NOT_FOUND = 404 "webhook_not_found" "There is no such webhook, or it is not the caller's.";
    SCOPE_NOT_FOUND = 404 "scope_not_found" "A policy is for cluster, venue/ID, resource/ID, slot/ID or pool/ID.";
    NODE_KEY_NOT_FOUND = 404 "key_not_found" "There is no such key.";
    NODE_NOT_FOUND = 404 "node_not_found" "There is no such node.";
    TOO_SLOW = 408 "too_slow" "The body did not arrive in time; nothing was done.";
    SLOT_FULL = 409 "slot_full" "Not so many places are left; the problem says how many, and which slots have room.";
    SEAT_TAKEN = 409 "seat_taken" "Somebody has one of the seats.";
    NO_SEATS = 409 "no_seats" "The places of this pool are counted, not numbered; give count.";
    NO_SUCH_SEATS = 409 "no_such_seats" "Seats are left, but none as asked for.";
    LIMIT_REACHED = 409 "limit_reached" "A policy lets nobody hold or have so many places.";
    ALREADY_CANCELLED = 409 "already_cancelled" "The booking was cancelled.";
    ALREADY_USED = 409 "already_used" "The party was admitted before.";
    NO_SHOW = 409 "no_show" "The party did not come in time.";
    CODE_STALE = 409 "code_stale" "The booking has another code, which counts; or a key that is retired has signed this one.";
    CODE_REVOKED = 409 "code_revoked" "The key that signed the code is revoked; ask for the code again.";
    NOT_USED = 409 "not_used" "The party is not in: there is nothing to take back, or this scan was taken back.";
    NOTHING_TO_DECIDE = 409 "nothing_to_decide" "No release of no-shows of the slot waits for a decision.";
    HOLD_EXPIRED = 409 "hold_expired" "The hold was not confirmed in time.";
    NOT_HELD = 409 "not_held" "The booking is not a hold, or no longer one.";
    HELD_WITH_OTHERS = 409 "held_with_others" "The seat is held together with others, in one booking; act on that.";
    NOT_CONFIRMED = 409 "not_confirmed" "The booking is a hold; confirm it first.";
    NOT_SO_MANY = 409 "not_so_many" "The booking has fewer places.";
    TOO_EARLY = 409 "too_early" "Parties are not admitted yet.";
    TOO_LATE = 409 "too_late" "The slot has ended.";
    PAYMENT_MISMATCH = 409 "payment_mismatch" "This is not the payment that was agreed upon.";
    PAYMENT_REFERENCE_TAKEN = 409 "payment_reference_taken" "Another booking is paid under this reference.";
    PLACES_GONE = 409 "places_gone" "The hold has ended, and its places are somebody else's.";
    HAS_SLOTS = 409 "has_slots" "It has slots; take them off first.";
    HAS_BOOKINGS = 409 "has_bookings" "Somebody has places in it.";
    TOO_MANY_POOLS = 409 "too_many_pools" "A slot sells at most 64 kinds of places, and 100,000 seats.";
    WAITING_ROOM = 409 "waiting_room" "The resource lets those who want places in by turns; book anew instead.";
    KEY_EXPIRED = 409 "key_expired" "The idempotency key is so old that nobody knows whether it had an effect; look, then use a new one.";
    EMAIL_TAKEN = 409 "email_taken" "Somebody has signed up with this address.";
    LAST_OPERATOR = 409 "last_operator" "Nobody would be left to operate the cluster.";
    USER_IS_APP = 409 "user_is_app" "The user is an app: its role is fixed, and it has secrets instead of a password.";
    NO_PASSWORD = 409 "no_password" "An operator must be able to log in, and this user has no password.";
    TOO_MANY_SECRETS = 409 "too_many_secrets" "The app has as many secrets as it may have; revoke one first.";
    TOO_MANY_APPS = 409 "too_many_apps" "There are as many apps as there may be; delete one first.";
    TOO_MANY_DEVICES = 409 "too_many_devices" "The user has as many devices as he may have; remove one first.";
    TOO_MANY_WEBHOOKS = 409 "too_many_webhooks" "There are as many webhooks as there may be, or as the app may have; remove one first.";
    WOULD_LOSE_QUORUM = 409 "would_lose_quorum" "Too few nodes would be left that are alive.";
    LAST_VOTER = 409 "last_voter" "Nobody would be left to vote.";
    VOTERS_FULL = 409 "voters_full" "There are as many voters as there may be.";
    NODE_LAGS = 409 "node_lags" "The node has not caught up with the log.";
    NODE_SILENT = 409 "node_silent" "The node does not answer.";
    NOT_A_VOTER = 409 "not_a_voter" "The node does not vote, so it cannot lead.";
    ALREADY_LEADS = 409 "already_leads" "The node leads already.";
    NODE_LEAVES = 409 "node_leaves" "The node is about to leave.";
    NO_SUCCESSOR = 409 "no_successor" "No other node can lead.";
    CANNOT_REPLACE = 409 "cannot_replace" "The one cannot take the place of the other.";
    CHANGE_UNDER_WAY = 409 "change_under_way" "Another such change is under way.";
    TRANSFER_FAILED = 409 "transfer_failed" "The other node did not come to lead.";
    OTHER_NODE = 409 "other_node" "Only the node itself has its keys; the problem says where it is.";
    NODES_AWAY = 409 "nodes_away" "A node is away that would not learn of the key.";
    OLD_COPY = 409 "old_copy" "The node's own folder is an old copy.";
    REVISION_UNKNOWN = 409 "revision_unknown" "The log has no such entry: the revision is of another cluster, or of one that was restored since.";
    URL_EXPIRED = 410 "expired" "The URL has expired; ask for another.";
    REVISION_GONE = 410 "revision_gone" "Events behind that revision are not kept any more; the problem says since which entry (`firstIndex`), and how to start again.";
    VERSION = 412 "version" "The booking has changed since the version in If-Match.";
    TOO_LARGE = 413 "too_large" "The body is larger than 64 KiB, or 4 MiB where many things are made.";
    URI_TOO_LONG = 414 "uri_too_long" "Path and query are longer than 8 KiB.";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The body must be application/json.";
    REPORT_TOO_LARGE = 422 "report_too_large" "The report would add up too many slots; ask for a shorter time.";
    INVALID = 422 "invalid" "What is asked for is well-formed, but makes no sense.";
    BAD_CODE = 422 "bad_code" "What was shown is no code of this cluster, or that of another booking; the problem says why.";
    KEY_REUSED = 422 "key_reused" "The idempotency key was used for another call.";
    RATE_LIMITED = 429 "rate_limited" "Too many calls in this second; nothing was done.";
    TOO_MANY_ATTEMPTS = 429 "too_many_attempts" "Too many wrong passwords; wait.";
    TOO_MANY_KEYS = 429 "too_many_keys" "All idempotency keys of this user are used up for now.";
    QUEUE_FULL = 429 "queue_full" "Too many are waiting for this.";
    TOO_SOON = 429 "too_soon" "The last such change was a moment ago.";
    TOO_MANY_WATCHES = 429 "too_many_watches" "The caller has as many streams at this node as one may have.";
    HEADERS_TOO_LARGE = 431 "headers_too_large" "There are more than 64 headers, or more than 16 KiB of them.";
    INTERNAL = 500 "internal" "A mistake of ours. Whether it took effect is unknown.";
    CONTRADICTION = 500 "contradiction" "The command would have broken an invariant and was dropped; please report it.";
    OVERLOADED = 503 "overloaded" "This node has more to do than it takes on; nothing was done.";
    NO_QUORUM = 503 "no_quorum" "No majority of the nodes can be reached; nothing was done.";
    TOO_STALE = 503 "too_stale" "The state of this node is older than asked for.";
    NODE_KEY_REVOKED = 503 "key_revoked" "The key of this node is revoked, so it signs nothing; ask another one. Nothing was done.";
    KEY_AHEAD = 503 "key_ahead" "The idempotency key names a moment to come; nothing was done.";
    NOT_READY = 503 "not_ready" "This node knows no leader, or has not caught up with it.";
    EDITION_TOO_OLD = 503 "edition_too_old" "Some node runs a version that does not know this: upgrade all nodes; nothing was done.";
    WATCHERS_FULL = 503 "watchers_full" "This node has as many watchers as it takes; another may have room.";
    FEED_NOT_KEPT = 503 "feed_not_kept" "No events are kept until all nodes run a version that knows the feed.";
    OUTCOME_UNKNOWN = 504 "outcome_unknown" "Nobody knows yet whether this took effect; retry with the same idempotency key to find out.";
}

/// What any call may come to, whatever it asks.
pub(super) const OF_HEADS: &[Code] = &[MALFORMED, URI_TOO_LONG, HEADERS_TOO_LARGE];

/// What a call may come to whose body is read.
pub(super) const OF_CALLS: &[Code] =
    &[MALFORMED, URI_TOO_LONG, HEADERS_TOO_LARGE, TOO_SLOW, TOO_LARGE, RATE_LIMITED, OVERLOADED, INTERNAL];

/// What a call may come to whose caller must be known.
pub(super) const OF_CALLERS: &[Code] = &[UNAUTHENTICATED, TOKEN_EXPIRED, NO_QUORUM];

/// What a call may come to whose caller says who he is: he is made known if he is new.
pub(super) const OF_WORDS: &[Code] = &[FORBIDDEN, BANNED, OUTCOME_UNKNOWN, CONTRADICTION];

/// What reading may come to.
pub(super) const OF_READS: &[Code] = &[NO_QUORUM, TOO_STALE];

/// What a command may come to, whatever it is.
pub(super) const OF_COMMANDS: &[Code] =
    &[KEY_REUSED, KEY_EXPIRED, KEY_AHEAD, TOO_MANY_KEYS, NO_QUORUM, OUTCOME_UNKNOWN, CONTRADICTION];
