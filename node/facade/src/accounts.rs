//! Who somebody is: passwords, tokens, and the keys that sign them.

pub(crate) mod keys;
pub(crate) mod passwords;
pub(crate) mod tokens;
