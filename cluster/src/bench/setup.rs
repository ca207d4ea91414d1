//! What the clients book: a venue, a resource, its slots, and customers to book for.

use holdfast_client::Client;
use hyper::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::bench::BenchArguments;
use crate::failure::Failure;
use crate::tls;

/// Slots opened by one call.
const SLOTS_PER_CALL: u32 = 1000;

/// Customers of the app that books. Each is signed up, which takes tens of milliseconds.
const CUSTOMERS: u32 = 32;

/// The first slot starts a day from now, each next one a minute later.
const SLOT_MINUTES: i64 = 1;

/// What is there to be booked, and who books.
pub(crate) struct Stage {
    /// Client addresses of the nodes.
    pub(crate) endpoints: Vec<String>,
    /// The access token of the app.
    pub(crate) app_token: String,
    pub(crate) slots: Vec<u64>,
    pub(crate) customers: Vec<u64>,
    resource: u64,
}

/// Makes a stage in a cluster.
pub(crate) async fn prepare(arguments: &BenchArguments, operator: &Api) -> Result<Stage, Failure> {
    let resource = make_resource(operator).await?;
    let count = if arguments.hot || arguments.rush { 1 } else { arguments.slots };
    let pool = match arguments.seats {
        Some(seats) => json!({"name": "seats", "seatCount": seats}),
        None => json!({"name": "places", "capacity": arguments.capacity}),
    };
    let slots = open_slots(operator, resource, count, &pool).await?;

    let run = format!("{:08x}", rand::random::<u32>());
    let customers = sign_customers_up(operator, arguments.clients).await?;
    let email = format!("app-{run}@bench.local");
    let app = sign_up(operator, &email).await?;
    let path = format!("/v1/users/{app}/role");
    operator.call(Method::PUT, &path, Some(json!({"role": "app"}))).await?.success()?;
    let mut app = Api { endpoints: operator.endpoints.clone(), token: None };
    app.log_in(&email, PASSWORD).await?;
    let app_token = app.token.unwrap_or_default();
    Ok(Stage { endpoints: operator.endpoints.clone(), app_token, slots, customers, resource })
}

const PASSWORD: &str = "a bench password";

/// A ride in a venue of its own.
pub(super) async fn make_resource(operator: &Api) -> Result<u64, Failure> {
    let id = |value: &Value| value["id"].as_u64().ok_or_else(|| Failure::other("the answer has no id"));
    let venue =
        json!({"name": "Bench", "region": "-", "timeZone": "UTC", "openAt": "00:00", "closeAt": "24:00"});
    let venue = id(&operator.post("/v1/venues", venue).await?)?;
    let resource = json!({"venueId": venue, "kind": "ride", "name": "Bench"});
    id(&operator.post("/v1/resources", resource).await?)
}

/// Signs customers up, no more than clients.
pub(super) async fn sign_customers_up(operator: &Api, clients: u32) -> Result<Vec<u64>, Failure> {
    let run = format!("{:08x}", rand::random::<u32>());
    let mut customers = Vec::new();
    for number in 0..CUSTOMERS.min(clients) {
        customers.push(sign_up(operator, &format!("customer{number}-{run}@bench.local")).await?);
    }
    Ok(customers)
}

/// Opens slots with a pool each.
pub(super) async fn open_slots(
    operator: &Api,
    resource: u64,
    count: u32,
    pool: &Value,
) -> Result<Vec<u64>, Failure> {
    let first = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let path = format!("/v1/resources/{resource}/slots");
    let mut slots = Vec::with_capacity(count as usize);
    for from in (0..count).step_by(SLOTS_PER_CALL as usize) {
        let body = (from..count.min(from + SLOTS_PER_CALL)).map(|number| {
            let start = first + jiff::SignedDuration::from_mins(SLOT_MINUTES * i64::from(number));
            let end = start + jiff::SignedDuration::from_mins(SLOT_MINUTES);
            let pools = [pool];
            json!({"startTime": start.to_string(), "endTime": end.to_string(), "pools": pools})
        });
        let opened = operator.post(&path, Value::Array(body.collect())).await?;
        slots.extend(opened.as_array().into_iter().flatten().filter_map(|slot| slot["id"].as_u64()));
    }
    Ok(slots)
}

async fn sign_up(api: &Api, email: &str) -> Result<u64, Failure> {
    let body = json!({"email": email, "password": PASSWORD, "name": "Bench"});
    let answer = api.post("/auth/signup", body).await?;
    let id = answer["userId"].as_str().and_then(|digits| digits.parse().ok());
    id.ok_or_else(|| Failure::other("the answer has no userId"))
}

impl Stage {
    /// Connections of the app, so many at most.
    pub(crate) fn clients(&self, count: u32) -> Result<Vec<Client>, Failure> {
        let clients = (0..count).map(|_| {
            let builder = Client::builder().endpoints(self.endpoints.clone()).token(&self.app_token);
            let builder = match tls::trusted_pem()? {
                Some(authority) => builder.certificate_authority(authority),
                None => builder,
            };
            builder.build().map_err(Failure::other)
        });
        clients.collect()
    }

    /// Places the cluster says are taken: what it acknowledged must be among them, and no pool may be over its capacity.
    pub(crate) async fn count_booked(&self, operator: &Api) -> Result<u64, Failure> {
        let mut booked = 0;
        let mut after = String::new();
        loop {
            let path = format!("/v1/resources/{}/slots?limit=200{after}", self.resource);
            let page = operator.get(&path).await?;
            for slot in page["items"].as_array().into_iter().flatten() {
                for pool in slot["pools"].as_array().into_iter().flatten() {
                    let count = |name: &str| pool[name].as_u64().unwrap_or(0);
                    let (capacity, confirmed) = (count("capacity"), count("confirmed"));
                    if confirmed + count("held") + count("available") != capacity {
                        return Err(Failure::Unhealthy(format!(
                            "slot {} does not add up: {pool}",
                            slot["id"]
                        )));
                    }
                    booked += confirmed;
                }
            }
            match page["next"].as_u64() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(booked),
            }
        }
    }
}
