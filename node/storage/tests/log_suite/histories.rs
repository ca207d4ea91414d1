//! Random histories: any operations, with the power or the disk failing anywhere, against a naive log.

use std::io::ErrorKind;
use std::path::Path;

use holdfast_storage::log::LogOptions;
use holdfast_storage::simulated::{DiskOperation, SimulatedDisk};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::node::{Node, small};
use crate::workload::{Operation, Workload};

const ROOT: &str = "/data";

#[derive(Debug, Clone)]
enum Event {
    Ask(Operation),
    /// The power fails after so many more steps of the disk.
    PowerFails {
        steps: u64,
    },
    /// The n-th sync or write from now on fails; the process ends then, and the disk goes on.
    Fails {
        operation: DiskOperation,
        nth: u64,
    },
    /// The process is killed; the disk goes on.
    Kill,
}

fn event() -> impl Strategy<Value = Event> {
    let size = prop_oneof![4 => 0usize..80, 2 => 80usize..600, 1 => 600usize..2500];
    let operation = prop_oneof![
        2 => Just(Operation::Vote),
        8 => vec(size, 1..5).prop_map(|sizes| Operation::Append { sizes }),
        2 => (0u64..4).prop_map(|count| Operation::Truncate { count }),
        2 => (0u64..6).prop_map(|kept| Operation::Purge { kept }),
        1 => (0u64..9).prop_map(|distance| Operation::Jump { distance }),
        2 => Just(Operation::Commit),
        7 => Just(Operation::Write),
        1 => Just(Operation::Reopen),
    ];
    prop_oneof![
        12 => operation.prop_map(Event::Ask),
        2 => (0u64..40).prop_map(|steps| Event::PowerFails { steps }),
        1 => (prop_oneof![Just(DiskOperation::Sync), Just(DiskOperation::Write)], 1u64..12)
            .prop_map(|(operation, nth)| Event::Fails { operation, nth }),
        1 => Just(Event::Kill),
    ]
}

fn play(seed: u64, options: &dyn Fn() -> LogOptions, events: &[Event]) {
    let disk = SimulatedDisk::new(seed);
    let open = || Node::open(&disk, Path::new(ROOT), options()).unwrap();
    let mut workload = Workload::new();
    let mut node = open();
    for (nth, event) in events.iter().enumerate() {
        let goes_on = match event {
            Event::Ask(operation) => workload.run(&mut node, options, operation),
            Event::PowerFails { steps } => {
                disk.stop_at(disk.steps() + steps);
                true
            }
            Event::Fails { operation, nth } => {
                disk.fail(*operation, *nth, ErrorKind::Other);
                true
            }
            Event::Kill => false,
        };
        if !goes_on {
            // After a kill or a failure the disk still has its power, unless that fails meanwhile.
            let restarted = Node::open(&disk, Path::new(ROOT), options());
            node = restarted.unwrap_or_else(|_| {
                disk.crash();
                open()
            });
            workload.recover(&node, &|| format!("event {nth}"));
        }
    }
    disk.crash();
    workload.recover(&open(), &|| "the end".to_owned());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_loses_what_was_reported(
        seed: u64,
        segment_bytes in prop_oneof![Just(512u32), Just(1024), Just(3000)],
        tail_bytes in 0u64..2000,
        spare_segments_max in 0usize..3,
        events in vec(event(), 1..120),
    ) {
        let options = || LogOptions { segment_bytes, tail_bytes, spare_segments_max, ..small() };
        play(seed, &options, &events);
    }
}
