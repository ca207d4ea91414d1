//! Disks that lose, delay, refuse and forget.

use holdfast_simulation::disk::{Disk, Pace};
use holdfast_simulation::host::Loss;
use holdfast_simulation::node::Exit;

use crate::stage::{Stage, busy, goes_well, play};

#[test]
fn what_was_not_synced_is_lost_on_a_quorum_and_nothing_that_was_acknowledged() {
    goes_well(busy(1, 5), |stage| {
        for round in 0..4 {
            // Much is written and not synced when the power goes, each time at another majority.
            for host in &mut stage.world.hosts {
                host.disk.slow_down(0, Pace::Syncs(5..=120));
            }
            stage.pass(700)?;
            let quorum: Vec<usize> = (0..3).map(|nth| (nth + round) % 5).collect();
            stage.end(&quorum, Loss::Power);
            stage.pass(400)?;
            stage.start(&quorum);
            stage.pass(2500)?;
        }
        Ok(())
    });
}

#[test]
fn syncs_that_complete_out_of_order_change_nothing() {
    goes_well(busy(2, 5), |stage| {
        for host in &mut stage.world.hosts {
            host.disk.slow_down(0, Pace::Syncs(1..=90));
        }
        for _ in 0..3 {
            stage.pass(2000)?;
            let leader = stage.leader()?;
            stage.end(&[leader], Loss::Power);
            stage.pass(300)?;
            stage.start(&[leader]);
        }
        Ok(())
    });
}

#[test]
fn a_node_whose_sync_fails_stops_and_what_it_lost_is_lost_to_nobody_else() {
    goes_well(busy(3, 5), |stage| {
        for host in 0..5 {
            stage.world.suspect(host);
            stage.world.hosts[host].disk.fail_next_sync();
            stage.until("it stops by itself", 3000, move |world| has_failed(world, host))?;
            // It comes back to what the disk shows, and only a loss of power shows what the disk has.
            stage.until("it is started again", 3000, move |world| world.hosts[host].is_up())?;
            stage.pass(1500)?;
            stage.end(&[host], Loss::Power);
            stage.pass(200)?;
            stage.start(&[host]);
            stage.pass(1500)?;
        }
        Ok(())
    });
}

fn has_failed(world: &holdfast_simulation::world::World, host: usize) -> bool {
    matches!(&world.hosts[host].exit, Some(Exit::Failed(_)))
}

#[test]
fn a_leader_whose_disk_is_full_stops_another_leads_and_it_comes_back_once_there_is_room() {
    goes_well(busy(4, 5), |stage| {
        let leader = stage.leader()?;
        stage.world.suspect(leader);
        let disk = stage.world.hosts[leader].disk.handle();
        disk.set_capacity(Some(disk.bytes()));
        stage.until("it stops by itself", 20_000, move |world| has_failed(world, leader))?;
        stage
            .until("another leads", 5000, move |world| world.leader().is_some_and(|other| other != leader))?;
        let before = stage.done();
        stage.pass(2000)?;
        assert!(stage.done() > before + 20, "the others serve");
        disk.set_capacity(None);
        stage.until("it runs again", 5000, move |world| world.replica(leader).is_some())
    });
}

#[test]
fn a_node_whose_disk_was_wiped_is_refused_by_name() {
    goes_well(busy(5, 5), |stage| {
        let host = stage.followers()?[0];
        stage.end(&[host], Loss::Power);
        let disk = Disk::new(stage.chance.fork());
        stage.world.hosts[host].replace_disk(disk);
        stage.world.lose(host);
        stage.start(&[host]);
        stage.until("it is refused", 10_000, move |world| world.hosts[host].exit.is_some())?;
        let exit = stage.world.hosts[host].exit.clone();
        let Some(Exit::Refused(says)) = exit else { return Err(format!("it was not refused: {exit:?}")) };
        let wants = format!("holdfast cluster replace {}", stage.world.id_of(host).unwrap_or(0));
        assert!(says.contains("its data was wiped") && says.contains(&wants), "{says}");
        stage.pass(3000)
    });
}

#[test]
fn a_fault_that_is_over_excuses_the_process_that_saw_it_and_no_other() {
    let played = play(busy(11, 5), |stage| {
        let host = stage.followers()?[0];
        let by = stage.world.suspect(host);
        stage.world.release(host, by);
        ends_by_itself(stage, host);
        stage.until("it has ended", 1000, move |world| has_failed(world, host))?;
        stage.until("it runs again", 5000, move |world| world.replica(host).is_some())?;
        ends_by_itself(stage, host);
        stage.pass(1000)
    });
    let says = played.unwrap_err();
    assert!(says.contains("nobody ends without a reason"), "{says}");
}

fn ends_by_itself(stage: &Stage, host: usize) {
    stage.world.hosts[host].plan.state().exit = Some(Exit::Failed("as if it had a bug".to_owned()));
}

#[test]
fn a_disk_that_stands_still_for_ever_stops_nobody_else() {
    goes_well(busy(6, 5), |stage| {
        let leader = stage.leader()?;
        stage.world.hosts[leader].disk.slow_down(0, Pace::Stalled);
        stage.pass(8000)?;
        serves_on(stage)
    });
}

#[test]
fn disks_of_most_that_stand_still_stop_everybody() {
    let played = play(busy(6, 5), |stage| {
        (0..3).for_each(|host| stage.world.hosts[host].disk.slow_down(0, Pace::Stalled));
        stage.pass(8000)?;
        serves_on(stage)
    });
    let says = played.unwrap_err();
    assert!(says.contains("nobody serves"), "{says}");
}

/// The others are a quorum. They serve slowly: who asks the node whose disk stands still waits until he gives up.
fn serves_on(stage: &mut Stage) -> Result<(), String> {
    let before = stage.decided();
    stage.pass(3000)?;
    match stage.decided() > before + 20 {
        true => Ok(()),
        false => Err("nobody serves".to_owned()),
    }
}
