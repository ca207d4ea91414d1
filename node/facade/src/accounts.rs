//! Who somebody is: passwords, tokens, the keys that sign them, and what apps show.

pub(crate) mod credentials;
pub(crate) mod keys;
pub(crate) mod passwords;
pub(crate) mod throttle;
pub(crate) mod tokens;
