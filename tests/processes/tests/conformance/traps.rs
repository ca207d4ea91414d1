//! Faults of the seeds' own code, REQUIREMENTS.md section 5: each is a test that would catch it here.

mod faults;
mod jobs;
mod payments;
mod reservations;
