//! The API in OpenAPI: made from the types that calls are read into and answers are written from, and a table of what else
//! there is to say of each call. A test compares it with the routes.
//!
//! ```text
//! document -> a file per noun or seed (v1/bookings, rides, ...) -> operation -> answers, parameters, schemas, codes
//! ```

mod accounts;
mod answers;
mod codes;
mod document;
mod health;
mod operation;
mod parameters;
mod rides;
mod s1;
mod s2;
mod s3;
mod schemas;
mod style;
#[cfg(test)]
mod tests;
mod ui;
mod v1;
pub(crate) mod words;

pub(crate) use ui::routes;
