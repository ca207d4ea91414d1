//! Members that change while the network is cut.

use holdfast_simulation::host::Loss;
use holdfast_simulation::world::WorldOptions;

use crate::stage::{busy, goes_well};

#[test]
fn nodes_that_join_while_leaders_are_cut_off_become_voters_and_nothing_is_lost() {
    goes_well(WorldOptions { spares: 2, ..busy(1, 3) }, |stage| {
        for _ in 0..2 {
            let added = stage.world.add_host(&mut stage.chance);
            let Some(added) = added else { return Err("no machine is left".to_owned()) };
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
