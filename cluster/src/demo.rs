//! `holdfast demo` placeholder.
use crate::failure::Failure;
use clap::Args;
/// Demo.
#[derive(Debug, Args)]
pub struct DemoArguments {}
/// Run.
pub fn run(_: &DemoArguments) -> Result<(), Failure> {
    Ok(())
}
