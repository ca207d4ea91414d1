//! The rules of Holdfast: a command in, an outcome, changed rows and events out, the same on every node and for ever.
//!
//! [`State::apply`] is the one door. It reads no clock, draws no number and does no I/O: time, order and identity
//! arrive with the log entry. Everything else in Holdfast carries commands to this crate and answers from it.

#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used)]
#![deny(clippy::panic, clippy::unreachable, clippy::float_arithmetic, clippy::disallowed_types)]
#![deny(clippy::disallowed_methods)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "tests may overflow loudly"))]

mod apps;
mod bookings;
mod clock;
mod codes;
mod command;
mod context;
mod counters;
mod day;
mod due;
mod edition;
mod event;
mod feed;
mod holds;
mod ids;
mod invariants;
mod jobs;
mod kinds;
mod node_keys;
mod outbox;
mod outcome;
mod overlay;
mod payments;
mod places;
mod policies;
mod pools;
mod principal;
mod recipients;
mod requests;
mod resources;
mod rows;
mod seats;
mod sessions;
mod slots;
mod state;
mod tally;
mod time;
#[cfg(test)]
mod transcript;
mod users;
mod venues;
mod webhooks;

pub use apps::{
    AddAppSecret, App, AppSecret, CreateApp, DeleteApp, RevokeAppSecret, SECRETS_MAX, list as list_apps,
};
pub use bookings::book::{Book, SlotName};
pub use bookings::modify::{Modify, SlotChoice};
pub use bookings::reserve::{HoldTerms, Places, Reserve};
pub use bookings::{Admission, NONCE_CHARS_MAX, PLACE_CHARS_MAX, REASON_CHARS_MAX, Scan, UndoScan};
pub use bookings::{
    Booking, BookingState, ChangedBy, HistoryEntry, Of as BookingsOf, history, list as list_bookings,
};
pub use bookings::{cancel::Cancel, check_in::CheckIn, exchange::Exchange};
pub use clock::Clock;
pub use codes::{IssueCode, IssuedCode, ScannedCode, VoidCodes, admission_window, void_codes};
pub use command::{Command, Entry, Request};
pub use counters::Counters;
pub use day::{DecideNoShows, Decision, LateBooking, NO_SHOW_SHARE_MAX, NoShows, ReadyStage, SlotDay};
pub use due::{Due, DueKind, TICK_ROWS_MAX, Tick, next as next_due};
pub use edition::{AdoptEdition, Edition, WITH_DAYS};
pub use event::{BookingEvent, Event, SlotEvent};
pub use feed::{Effects, Feed, FeedEvent, Read as FeedRead, read as read_feed};
pub use holds::confirm::{Confirm, Part};
pub use holds::{HOLD_DURATION_MAX, HOLD_DURATION_MIN, extend::Extend, lapsed as lapsed_holds, void::Void};
pub use ids::{
    BookingId, JobId, PoolId, ResourceId, Revision, SessionId, SlotId, UserId, VenueId, WebhookId,
};
pub use jobs::enqueue::Promise;
pub use jobs::queue::Lane;
pub use jobs::{
    Enqueue, JOBS_WAITING_MAX, Job, JobCommand, JobState, PRIORITY_MAX, Queue, estimated_wait,
    position as job_position,
};
pub use kinds::{KINDS_MAX, KindPattern};
pub use node_keys::{
    CodeSweep, KEY_AFTERLIFE_DURATION, NodeKey, NodeKeyId, RegisterNodeKey, RetireNodeKeys, RetiredNodeKey,
    RevokeNodeKey, RevokedNodeKey, ValidNodeKey, valid_node_key,
};
pub use outbox::dead_letters::{
    DEAD_LETTER_DURATION, DEAD_LETTERS_MAX, count as count_dead_letters, list as list_dead_letters,
};
pub use outbox::delivery_log::{DELIVERY_LOG_MAX, list as delivery_log};
pub use outbox::{
    Backlog, Channel, DELIVERY_ERROR_MAX, DeadLetter, DeadLetters, Delivery, Destination, Ended, Logged,
    OUTBOX_MAX, Replay, ReplayDeadLetters, SettleDeliveries, Settled, Target, channels as outbox_channels,
    clear::CLEARED_MAX, destination as delivery_destination, next as next_deliveries, replay::REPLAYED_MAX,
    settle::SETTLED_MAX,
};
pub use outcome::{Applied, Contradiction, MissingRow, Outcome, Rejection, SeatUnavailable, SlotFull};
pub use overlay::Changes;
pub use payments::{
    Money, PAYMENT_TEXT_MAX, Paid, Payment, PaymentState, SettlePayment, Settlement, StartPayment,
    booking_of as booking_of_payment,
};
pub use policies::{
    Dialect, HOLD_DURATION, Policy, PolicyField, Scope, SetPolicy, UserPlaces, has_any_policy,
    policy_of_pool, policy_of_resource, user_places,
};
pub use pools::PoolCounts;
pub use principal::{Principal, Role};
pub use recipients::{
    AddDevice, DEVICE_TOKEN_MAX, DEVICES_MAX, Device, LANGUAGE_MAX, Platform, Preferences, Recipient,
    RemoveDevice, SetPreferences, by_token as device_owner, email_address,
};
pub use requests::{
    GENERATION_DURATION, KEYS_MAX, KEYS_MAX_APP, KeyCount, Remembered, RequestId, RequestKey, answered,
    is_new as is_new_request,
};
pub use resources::{
    ChangeResource, CreateEvent, CreateResource, NewResource, Resource, ResourceKind, ResourceStatus,
    WithdrawResource, list as list_resources,
};
pub use rows::{Key, MemoryRows, Order, ReadRows, ReadTyped, Row, Rows, Stored, merge_changes};
pub use seats::map::owner as seat_owner;
pub use seats::{
    BookedSeat, NewSeat, PLAN_BYTES_MAX, PlanError, SEATS_PER_BOOKING_MAX, SEATS_PER_POOL_MAX,
    SEATS_PER_SLOT_MAX, Seat, SeatBlock, SeatName, SeatPlan, SeatRun, SeatState, Seats, natural_order,
    states_of as seat_states,
};
pub use sessions::{CloseSessions, LogIn, LogOut, OpenSession, RefreshSession, SESSION_DURATION, Session};
pub use slots::{
    AddPools, ChangeSlot, NewPlaces, NewPool, NewSlot, OpenSlots, POOLS_PER_COMMAND_MAX, POOLS_PER_SLOT_MAX,
    Pool, PoolKind, SLOTS_PER_COMMAND_MAX, Slot, SlotStatus, Terms, Window, WithdrawSlot,
    at_window as slot_at_window, list as list_slots,
};
pub use state::State;
pub use tally::{Count, SlotTally};
pub use time::{Millis, Timestamp};
pub use users::{
    Account, Ban, BanUser, ChangeRole, CreateOperator, CreateUser, DeclareUser, GiveRole, LiftBan,
    SetPassword, SetRole, SignUp, User, UserProfile, account, alias_of as user_alias,
    by_alias as user_by_alias, by_email as user_by_email, list as list_users,
};
pub use venues::{CreateVenue, Venue, by_name as venue_by_name, list as list_venues};
pub use webhooks::{
    AddWebhook, Disabled, EnableWebhook, FORMER_SECRET_DURATION, FormerSecret, Reach, RemoveWebhook,
    RotateWebhookSecret, WEBHOOK_URL_MAX, WEBHOOKS_MAX, WEBHOOKS_PER_APP_MAX, Wanted, Webhook,
    WebhookAddress, WebhookKinds, WebhookUrlError, is_public_address, list as list_webhooks,
};
