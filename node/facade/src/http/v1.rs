//! The native API.

pub(crate) mod apps;
pub(crate) mod bookings;
pub(crate) mod cluster;
pub(crate) mod dead_letters;
pub(crate) mod devices;
pub(crate) mod entrance;
pub(crate) mod jobs;
pub(crate) mod members;
pub(crate) mod node_keys;
pub(crate) mod policies;
pub(crate) mod preferences;
pub(crate) mod reports;
pub(crate) mod resources;
pub(crate) mod slots;
pub(crate) mod users;
pub(crate) mod venues;
pub(crate) mod watch;
pub(crate) mod webhooks;

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::service::Service;

pub(crate) fn routes() -> Router<Service> {
    Router::new()
        .route("/v1/keys", get(entrance::keys))
        .route("/v1/keys/{kid}/revoke", post(entrance::revoke_key))
        .route("/v1/codes/revoked", get(entrance::revoked))
        .route("/v1/watch", get(watch::watch))
        .route("/v1/cluster", get(cluster::show))
        .route("/v1/users", post(users::create).get(users::list))
        .route("/v1/users/{id}", get(users::show))
        .route("/v1/users/{id}/role", put(users::set_role))
        .route("/v1/users/{id}/password", put(users::set_password))
        .route("/v1/users/{id}/ban", put(users::ban).delete(users::lift_ban))
        .route("/v1/apps", post(apps::create).get(apps::list))
        .route("/v1/apps/{id}", get(apps::show).delete(apps::delete))
        .route("/v1/apps/{id}/secrets", post(apps::add_secret))
        .route("/v1/apps/{id}/secrets/{number}", delete(apps::revoke_secret))
        .route("/v1/cluster/transfer", post(members::transfer))
        .route("/v1/cluster/nodes/{id}", delete(members::remove))
        .route("/v1/cluster/nodes/{id}/promote", post(members::promote))
        .route("/v1/cluster/nodes/{id}/drain", post(members::drain))
        .route("/v1/cluster/nodes/{id}/replace", post(members::replace))
        .route("/v1/cluster/nodes/{id}/rotate-key", post(node_keys::rotate))
        .route("/v1/cluster/tokens", post(node_keys::make_join_token))
        .route("/v1/venues", post(venues::create).get(venues::list))
        .route("/v1/venues/{id}", get(venues::show))
        .route("/v1/resources", post(resources::create).get(resources::list))
        .route("/v1/events", post(resources::create_event))
        .route(
            "/v1/resources/{id}",
            get(resources::show).patch(resources::change).delete(resources::withdraw),
        )
        .route("/v1/resources/{id}/slots", post(slots::open).get(slots::list))
        .route("/v1/slots/{id}", get(slots::show).patch(slots::change).delete(slots::withdraw))
        .route("/v1/slots/{id}/seats", get(slots::seats))
        .route("/v1/slots/{id}/pools", post(slots::add_pools))
        .route("/v1/reports/slots", get(reports::slots))
        .route("/v1/reports/resources", get(reports::resources))
        .route("/v1/policies/{*scope}", get(policies::show).put(policies::set))
        .route("/v1/bookings", post(bookings::book).get(bookings::list))
        .route("/v1/bookings/{id}", get(bookings::show).patch(bookings::modify))
        .route("/v1/bookings/{id}/cancel", post(bookings::cancel))
        .route("/v1/bookings/{id}/confirm", post(bookings::confirm))
        .route("/v1/bookings/{id}/extend", post(bookings::extend))
        .route("/v1/bookings/{id}/payment", post(bookings::start_payment))
        .route("/v1/bookings/{id}/check-in", post(entrance::check_in))
        .route("/v1/bookings/{id}/check-in/undo", post(entrance::undo))
        .route("/v1/bookings/{id}/code", get(entrance::code).post(entrance::another_code))
        .route("/v1/bookings/{id}/history", get(entrance::history))
        .route("/v1/slots/{id}/no-shows", post(entrance::decide))
        .route("/v1/payments/webhook", post(bookings::settle))
        .route("/v1/jobs/{id}", get(jobs::show))
        .route("/v1/devices", post(devices::add).get(devices::list))
        .route("/v1/devices/{id}", delete(devices::remove))
        .route("/v1/preferences", get(preferences::show).put(preferences::set))
        .route("/v1/webhooks", post(webhooks::add).get(webhooks::list))
        .route("/v1/webhooks/{id}", get(webhooks::show).delete(webhooks::remove))
        .route("/v1/webhooks/{id}/enable", post(webhooks::enable))
        .route("/v1/webhooks/{id}/rotate-secret", post(webhooks::rotate_secret))
        .route("/v1/webhooks/{id}/deliveries", get(webhooks::deliveries))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/replay", post(dead_letters::replay))
}

/// A page of a list, as every list of this API is.
#[derive(serde::Serialize)]
struct ListBody<T> {
    items: Vec<T>,
    next: Option<u64>,
}

/// A page of rows of which one more than fits was read.
fn cut<T, B>(
    mut rows: Vec<T>,
    limit: usize,
    id: impl Fn(&T) -> u64,
    body: impl FnMut(T) -> B,
) -> ListBody<B> {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(id);
    ListBody { items: rows.into_iter().map(body).collect(), next }
}
