//! The senders against servers of our own that are as strict as the real ones. They need no binary.

#![cfg(test)]

mod apns;
mod email;
mod fcm;
mod router;
mod scene;
mod webhooks;
