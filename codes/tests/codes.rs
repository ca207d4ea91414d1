//! What codes say and look like, and every reason for which one is refused.

#[path = "codes/common.rs"]
mod common;
#[path = "codes/keys.rs"]
mod keys;
#[path = "codes/mutants.rs"]
mod mutants;
#[path = "codes/refusals.rs"]
mod refusals;
#[path = "codes/text.rs"]
mod text;
