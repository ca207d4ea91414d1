//! Members that change while the network is cut, leaders die and disks are lost.

use std::sync::atomic::Ordering;

use holdfast_raft::Goal;
use holdfast_simulation::disk::Disk;
use holdfast_simulation::host::Loss;
use holdfast_simulation::world::WorldOptions;

use crate::stage::{busy, goes_well};

#[test]
fn nodes_that_join_while_leaders_are_cut_off_become_voters_and_nothing_is_lost() {
    goes_well(WorldOptions { spares: 2, ..busy(1, 3) }, |stage| {
        for _ in 0..2 {
            let added = stage.world.add_host(&mut stage.chance);
            let Some(added) = added else { return Err("no machine is left".to_owned()) };
            // Whether a newcomer is to vote is drawn otherwise.
            stage.world.hosts[added].plan.stays_learner.store(false, Ordering::Relaxed);
            for _ in 0..3 {
                stage.pass(250)?;
                let leader = stage.leader()?;
                let others = (0..stage.world.hosts.len()).filter(|other| *other != leader);
                let ways: Vec<_> = others.flat_map(|other| [(leader, other), (other, leader)]).collect();
                stage.set_cut(&ways, true);
                stage.pass(1200)?;
                stage.set_cut(&ways, false);
            }
            let voters = added + 1;
            stage.until("it votes", 20_000, move |world| world.voters() == voters)?;
        }
        // A majority of the new ones is one without the founder.
        stage.end(&[0, 1], Loss::Power);
        stage.until("others lead", 8000, |world| world.leader().is_some_and(|leader| leader > 1))?;
        stage.start(&[0, 1]);
        Ok(())
    });
}

#[test]
fn a_leader_that_is_to_go_may_die_at_any_step_and_the_next_one_finishes_it() {
    for steps in 0..4 {
        goes_well(busy(10 + steps, 5), move |stage| {
            let leader = stage.leader()?;
            let node = stage.world.id_of(leader).ok_or("it has no id")?;
            assert!(stage.world.ask_for(Goal::Remove { node }, &mut stage.chance));
            let mut at = stage.world.membership().map(|members| members.at);
            for _ in 0..steps {
                let before = at;
                stage.until("another step", 8000, |world| {
                    at = world.membership().map(|members| members.at);
                    at != before
                })?;
            }
            let leads = stage.leader()?;
            stage.end(&[leads], Loss::Power);
            stage.pass(700)?;
            stage.start(&[leads]);
            // Dead before it had noted anything, it may have said nothing of it to anybody.
            if steps > 0 {
                stage.until("it knows that it is gone", 20_000, |world| world.hosts[leader].is_gone)?;
            }
            Ok(())
        });
    }
}

#[test]
fn a_node_whose_disk_was_lost_is_replaced_and_comes_back_as_another_at_its_own_address() {
    goes_well(busy(1, 3), |stage| {
        let lost = stage.followers()?[0];
        let node = stage.world.id_of(lost).ok_or("it has no id")?;
        stage.end(&[lost], Loss::Power);
        let disk = Disk::new(stage.chance.fork());
        stage.world.hosts[lost].replace_disk(disk);
        stage.world.lose(lost);
        stage.start(&[lost]);
        stage.pass(2000)?;
        assert!(stage.world.ask_for(Goal::Replace { node, by: None }, &mut stage.chance));
        stage.until("another one votes in its place", 20_000, move |world| {
            let voters = world.membership().map(|members| members.voters_to_be()).unwrap_or_default();
            world.id_of(lost).is_some_and(|id| id != node && voters.contains(&id)) && !voters.contains(&node)
        })
    });
}
