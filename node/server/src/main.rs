//! The `holdfast` binary: reads the command line and hands each verb to whoever does it.

mod addresses;
mod arguments;
mod bootstrap;
mod certificates;
mod exit;
mod folder;
mod logging;
mod node;
mod notifications;
mod reminders;
mod runtimes;
mod settings;
mod signals;
mod start;
mod threads;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Verb};
use crate::exit::Exit;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to stdout and are no mistake.
            drop(error.print());
            return Exit::usage_unless(!error.use_stderr()).into();
        }
    };
    if let Some(ca) = &arguments.ca
        && let Err(exit) = exit::of_cluster(holdfast_cluster::trust(ca))
    {
        exit.report();
        return exit.into();
    }
    let done = match arguments.verb {
        Verb::Start(start) => start::run(start),
        Verb::Dev(dev) => start::run_dev(dev),
        Verb::Config(config) => settings::show(&config),
        Verb::Demo(demo) => exit::of_cluster(holdfast_cluster::demo(&demo)),
        Verb::Bench(bench) => exit::of_cluster(holdfast_cluster::bench(&bench)),
        Verb::User(verb) => exit::of_cluster(holdfast_cluster::manage_users(&verb)),
        Verb::App(verb) => exit::of_cluster(holdfast_cluster::manage_apps(&verb)),
        Verb::Scan(scan) => exit::of_cluster(holdfast_cluster::scan(&scan)),
        Verb::Watch(watch) => exit::of_cluster(holdfast_cluster::watch(&watch)),
        Verb::Cert(verb) => exit::of_cluster(holdfast_cluster::cert(&verb)),
        Verb::Cluster(verb) => exit::of_cluster(holdfast_cluster::operate(&verb)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            exit.report();
            exit.into()
        }
    }
}
