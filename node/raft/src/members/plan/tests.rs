//! Plans as a table: who is there, what is wanted, and which steps or which refusal come of it.
//!
//! Voters stand before the bar, learners behind it. `*` leads, `!` is silent, `~N` lacks N entries; `l` is to learn, `x` to
//! be removed, `r` to be replaced, `r9` by node 9. `joint` says that a change of voters was not finished.

use expect_test::{Expect, expect};

use super::*;

fn seen(text: &str) -> Seen {
    let mut seen = Seen {
        leader: 0,
        is_joint: text.contains("joint"),
        voters: BTreeSet::new(),
        members: BTreeMap::new(),
        lags: BTreeMap::new(),
    };
    let mut is_voter = true;
    for word in text.split_whitespace().filter(|word| *word != "joint") {
        if word == "|" {
            is_voter = false;
            continue;
        }
        let digits = word.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(word.len());
        let (node, marks) = (word[..digits].parse().unwrap(), &word[digits..]);
        let number = |mark: char| marks.split_once(mark).and_then(|(_, rest)| rest.parse().ok());
        if is_voter {
            seen.voters.insert(node);
        }
        if marks.contains('*') {
            seen.leader = node;
        }
        if !marks.contains('!') {
            seen.lags.insert(node, number('~').unwrap_or(0));
        }
        let wish = match marks {
            marks if marks.contains('l') => Wish::Learns,
            marks if marks.contains('x') => Wish::Removed,
            marks if marks.contains('r') => Wish::Replaced { by: number('r') },
            _ => Wish::Votes,
        };
        seen.members.insert(node, wish);
    }
    seen
}

fn check(goal: Goal, cases: &[&str], expected: &Expect) {
    let line = |case: &&str| match plan(&seen(case), goal) {
        Ok(steps) if steps.is_empty() => format!("{case}: done\n"),
        Ok(steps) => {
            let steps: Vec<String> = steps.iter().map(Step::to_string).collect();
            format!("{case}: {}\n", steps.join("; "))
        }
        Err(refusal) => format!("{case}: REFUSED {refusal}\n"),
    };
    expected.assert_eq(&cases.iter().map(line).collect::<String>());
}

#[test]
fn remove() {
    check(
        Goal::Remove { node: 3 },
        &[
            "1* 2 3",
            "1 2 3*",
            "1* 2 3!",
            "1* 2 3 4 5",
            "1* 2 | 3",
            "1* 2 | 3!",
            "1* 2",
            "3*",
            "3* 1! 2",
            "1* 2! 3",
            "1* 2 3 4! 5!",
            "1! 2~500 3*",
            "1* 2 3x",
            "1* 2 | 3x",
            "1* 2x 3",
            "1* 2 3 | 4x",
            "1* 2! 3! 4r 5",
            "1* 2 3 | joint",
            "1 2 | 3*",
            "1 2 | 3x*",
            "1! 2! | 3x*",
        ],
        &expect![[r#"
            1* 2 3: note that node 3 is to be removed; make node 3 a learner; remove node 3 from the members
            1 2 3*: note that node 3 is to be removed; hand leadership to node 1; make node 3 a learner; remove node 3 from the members
            1* 2 3!: note that node 3 is to be removed; make node 3 a learner; remove node 3 from the members
            1* 2 3 4 5: note that node 3 is to be removed; make node 3 a learner; remove node 3 from the members
            1* 2 | 3: remove node 3 from the members
            1* 2 | 3!: remove node 3 from the members
            1* 2: REFUSED there is no node 3 in the cluster; holdfast cluster status lists them
            3*: REFUSED node 3 is the only voter: without it there is no cluster. Add another node first: holdfast start --data-dir DIR --join HOST:PORT; over a network also --join-token-file FILE, with what holdfast cluster token prints
            3* 1! 2: REFUSED the voters would be 1, 2, of which 1 does not answer: no majority could decide anything. Bring it back or replace it first: holdfast cluster replace 1
            1* 2! 3: REFUSED the voters would be 1, 2, of which 2 does not answer: no majority could decide anything. Bring it back or replace it first: holdfast cluster replace 2
            1* 2 3 4! 5!: REFUSED the voters would be 1, 2, 4, 5, of which 4, 5 do not answer: no majority could decide anything. Bring them back or replace them first: holdfast cluster replace 4
            1! 2~500 3*: REFUSED the voters would be 1, 2, of which 1 does not answer: no majority could decide anything. Bring it back or replace it first: holdfast cluster replace 1
            1* 2 3x: make node 3 a learner; remove node 3 from the members
            1* 2 | 3x: remove node 3 from the members
            1* 2x 3: REFUSED node 2 is being removed or drained; wait until that is done (holdfast cluster status)
            1* 2 3 | 4x: REFUSED node 4 is being removed or drained; wait until that is done (holdfast cluster status)
            1* 2! 3! 4r 5: note that node 3 is to be removed; make node 3 a learner; remove node 3 from the members
            1* 2 3 | joint: finish the change of voters that was begun; note that node 3 is to be removed; make node 3 a learner; remove node 3 from the members
            1 2 | 3*: note that node 3 is to be removed; hand leadership to node 1; remove node 3 from the members
            1 2 | 3x*: hand leadership to node 1; remove node 3 from the members
            1! 2! | 3x*: REFUSED node 3 leads, and no other voter that could is there and has caught up; start one, or wait until it has
        "#]],
    );
}

#[test]
fn promote() {
    check(
        Goal::Promote { node: 3 },
        &[
            "1* 2 | 3",
            "1* 2 | 3l",
            "1* 2 3",
            "1* 2 3x",
            "1* 2 3l",
            "1* 2 | 3x",
            "1* 2 | 3!",
            "1* 2 | 3~500",
            "1* 2 4 5 6 | 3",
            "1* | 3",
            "1* 2 4! | 3",
            "1* 2",
        ],
        &expect![[r#"
            1* 2 | 3: make node 3 a voter
            1* 2 | 3l: make node 3 a voter
            1* 2 3: done
            1* 2 3x: note that node 3 is to vote
            1* 2 3l: note that node 3 is to vote
            1* 2 | 3x: make node 3 a voter
            1* 2 | 3!: REFUSED node 3 does not answer the leader; start it, or see what cuts it off
            1* 2 | 3~500: REFUSED node 3 lacks 500 entries of the log; wait until it has caught up (holdfast cluster status)
            1* 2 4 5 6 | 3: REFUSED there are 5 voters already, and more would only make every commit slower; drain or remove one first: holdfast cluster drain ID
            1* | 3: make node 3 a voter
            1* 2 4! | 3: make node 3 a voter
            1* 2: REFUSED there is no node 3 in the cluster; holdfast cluster status lists them
        "#]],
    );
}

#[test]
fn replace() {
    let replace = |by| Goal::Replace { node: 3, by };
    check(
        replace(None),
        &[
            "1* 2 3! | 9",
            "1* 2 3!",
            "1* 2 3! | 9l",
            "1* 2 3! | 9~500",
            "1* 2 3! 9",
            "1* 2 3 9",
            "1 2 3* | 9",
            "1* 2 3r | 9",
            "1* 2 9 | 3r",
            "1* 2 | 3!",
            "1* 2 3! 4! 5",
            "1* 2 3! 4! 5 | 9",
            "1* 2",
        ],
        &expect![[r#"
            1* 2 3! | 9: note that node 3 is to be replaced; make node 9 a voter in the place of node 3; remove node 3 from the members
            1* 2 3!: note that node 3 is to be replaced; wait for a new node to take the place of node 3, then remove node 3
            1* 2 3! | 9l: note that node 3 is to be replaced; wait for a new node to take the place of node 3, then remove node 3
            1* 2 3! | 9~500: note that node 3 is to be replaced; wait for a new node to take the place of node 3, then remove node 3
            1* 2 3! 9: note that node 3 is to be removed; make node 3 a learner; remove node 3 from the members
            1* 2 3 9: note that node 3 is to be replaced; wait for a new node to take the place of node 3, then remove node 3
            1 2 3* | 9: note that node 3 is to be replaced; hand leadership to node 1; make node 9 a voter in the place of node 3; remove node 3 from the members
            1* 2 3r | 9: make node 9 a voter in the place of node 3; remove node 3 from the members
            1* 2 9 | 3r: remove node 3 from the members
            1* 2 | 3!: remove node 3 from the members
            1* 2 3! 4! 5: note that node 3 is to be replaced; wait for a new node to take the place of node 3, then remove node 3
            1* 2 3! 4! 5 | 9: note that node 3 is to be replaced; make node 9 a voter in the place of node 3; remove node 3 from the members
            1* 2: REFUSED there is no node 3 in the cluster; holdfast cluster status lists them
        "#]],
    );
    check(
        replace(Some(9)),
        &["1* 2 3! | 9l", "1* 2 3! 9", "1* 2 3! | 9!", "1* 2 3! | 9~500", "1* 2 3! | 9x", "1* 2 3!"],
        &expect![[r#"
            1* 2 3! | 9l: note that node 3 is to be replaced by node 9; make node 9 a voter in the place of node 3; remove node 3 from the members
            1* 2 3! 9: note that node 3 is to be replaced by node 9; make node 3 a learner; remove node 3 from the members
            1* 2 3! | 9!: REFUSED node 9 does not answer the leader; start it, or see what cuts it off
            1* 2 3! | 9~500: REFUSED node 9 lacks 500 entries of the log; wait until it has caught up (holdfast cluster status)
            1* 2 3! | 9x: REFUSED node 9 is on its way out; to keep it: holdfast cluster promote 9
            1* 2 3!: REFUSED node 9 cannot take the place of node 3: it is no member
        "#]],
    );
    check(
        replace(Some(3)),
        &["1* 2 3"],
        &expect![[r#"
        1* 2 3: REFUSED node 3 cannot take the place of node 3: it is the same
    "#]],
    );
}

#[test]
fn drain() {
    check(
        Goal::Drain { node: 3 },
        &[
            "1* 2 3",
            "1 2 3*",
            "3*",
            "1* 2! 3",
            "1* 2 | 3",
            "1* 2 | 3l",
            "1* 2 3l",
            "1* 2l 3",
            "1l 2l 3*",
            "1* 2",
        ],
        &expect![[r#"
            1* 2 3: note that node 3 is not to vote; make node 3 a learner
            1 2 3*: note that node 3 is not to vote; hand leadership to node 1; make node 3 a learner
            3*: REFUSED node 3 is the only voter: without it there is no cluster. Add another node first: holdfast start --data-dir DIR --join HOST:PORT; over a network also --join-token-file FILE, with what holdfast cluster token prints
            1* 2! 3: REFUSED the voters would be 1, 2, of which 2 does not answer: no majority could decide anything. Bring it back or replace it first: holdfast cluster replace 2
            1* 2 | 3: note that node 3 is not to vote
            1* 2 | 3l: done
            1* 2 3l: make node 3 a learner
            1* 2l 3: REFUSED node 2 is being removed or drained; wait until that is done (holdfast cluster status)
            1l 2l 3*: REFUSED node 1 is being removed or drained; wait until that is done (holdfast cluster status)
            1* 2: REFUSED there is no node 3 in the cluster; holdfast cluster status lists them
        "#]],
    );
}

#[test]
fn transfer() {
    check(
        Goal::Transfer { to: Some(3) },
        &["1* 2 3", "1 2 3*", "1* 2 | 3", "1* 2 3!", "1* 2 3~500", "1* 2 3x", "1* 2"],
        &expect![[r#"
            1* 2 3: hand leadership to node 3
            1 2 3*: REFUSED node 3 leads already
            1* 2 | 3: REFUSED node 3 is a learner, and only a voter can lead; promote it first: holdfast cluster promote 3
            1* 2 3!: REFUSED node 3 does not answer the leader; start it, or see what cuts it off
            1* 2 3~500: REFUSED node 3 lacks 500 entries of the log; wait until it has caught up (holdfast cluster status)
            1* 2 3x: REFUSED node 3 is on its way out; to keep it: holdfast cluster promote 3
            1* 2: REFUSED there is no node 3 in the cluster; holdfast cluster status lists them
        "#]],
    );
    check(
        Goal::Transfer { to: None },
        &["1* 2~9 3", "1* 2 3!", "1* 2! 3!", "1*", "1* | 2"],
        &expect![[r#"
        1* 2~9 3: hand leadership to node 3
        1* 2 3!: hand leadership to node 2
        1* 2! 3!: REFUSED node 1 leads, and no other voter that could is there and has caught up; start one, or wait until it has
        1*: REFUSED node 1 leads, and no other voter that could is there and has caught up; start one, or wait until it has
        1* | 2: REFUSED node 1 leads, and no other voter that could is there and has caught up; start one, or wait until it has
    "#]],
    );
}

#[test]
fn of_its_own_accord() {
    let line = |case: &&str| match next(&seen(case)) {
        Next::Nothing => format!("{case}: nothing\n"),
        Next::Step(step) => format!("{case}: {step}\n"),
        Next::Newcomer { node } => format!("{case}: waits for one in the place of node {node}\n"),
        Next::Blocked(refusal) => format!("{case}: blocked, as {refusal}\n"),
    };
    let cases = [
        "1* 2 3",
        "1* 2 | 3",
        "1* 2 | 3l",
        "1* 2 | 3~500",
        "1* 2 | 3!",
        "1* 2 3 4 5 | 6",
        "1* 2! | 3",
        "1* 2 3! | 4",
        "1* 2 3x | 4",
        "1* 2 3x",
        "1* 2! 3x",
        "1x* 2 3",
        "1* 2 | 3x 4",
        "1* 2 3r | 4",
        "1* 2 3r",
        "1* 2 3r | 4l",
        "1* 2 3r4 | 4l",
        "1* 2 3r4 | 4!",
        "1* 2 3r4",
        "1* 2 3r4 4x",
        "1* 2 3r4 | 4r",
        "1* 2 3r4 | 5",
        "1r* 2 3 | 4",
        "1* 2 3l",
        "1x*",
        "joint 1* 2 | 3",
        "1 2 | 3x*",
        "1 2 | 3l*",
        "1 2~500 4! | 3x*",
        "1! 2! | 3x*",
    ];
    expect![[r#"
        1* 2 3: nothing
        1* 2 | 3: make node 3 a voter
        1* 2 | 3l: nothing
        1* 2 | 3~500: nothing
        1* 2 | 3!: nothing
        1* 2 3 4 5 | 6: nothing
        1* 2! | 3: make node 3 a voter
        1* 2 3! | 4: make node 4 a voter
        1* 2 3x | 4: make node 3 a learner
        1* 2 3x: make node 3 a learner
        1* 2! 3x: blocked, as the voters would be 1, 2, of which 2 does not answer: no majority could decide anything. Bring it back or replace it first: holdfast cluster replace 2
        1x* 2 3: hand leadership to node 2
        1* 2 | 3x 4: remove node 3 from the members
        1* 2 3r | 4: make node 4 a voter in the place of node 3
        1* 2 3r: waits for one in the place of node 3
        1* 2 3r | 4l: waits for one in the place of node 3
        1* 2 3r4 | 4l: make node 4 a voter in the place of node 3
        1* 2 3r4 | 4!: waits for one in the place of node 3
        1* 2 3r4: note that node 3 is to be replaced
        1* 2 3r4 4x: note that node 3 is to be replaced
        1* 2 3r4 | 4r: note that node 3 is to be replaced
        1* 2 3r4 | 5: note that node 3 is to be replaced
        1r* 2 3 | 4: hand leadership to node 2
        1* 2 3l: make node 3 a learner
        1x*: blocked, as node 1 is the only voter: without it there is no cluster. Add another node first: holdfast start --data-dir DIR --join HOST:PORT; over a network also --join-token-file FILE, with what holdfast cluster token prints
        joint 1* 2 | 3: finish the change of voters that was begun
        1 2 | 3x*: hand leadership to node 1
        1 2 | 3l*: hand leadership to node 1
        1 2~500 4! | 3x*: hand leadership to node 1
        1! 2! | 3x*: blocked, as node 3 leads, and no other voter that could is there and has caught up; start one, or wait until it has
    "#]].assert_eq(&cases.iter().map(line).collect::<String>());
}

/// Whatever is wanted of whom, whoever leads goes on until nothing is left to do, and never without a majority.
#[test]
fn every_plan_ends_and_no_step_loses_the_quorum() {
    const MARKS: [&str; 10] = ["", "!", "~500", "l", "x", "r", "!x", "!r", "r4", "r9"];
    let mut walked = 0;
    for number in 0..MARKS.len().pow(3) {
        let [second, third, fourth] = [1, 10, 100].map(|unit| MARKS[number / unit % MARKS.len()]);
        for bar in ["", "|"] {
            let text = format!("1* 2{second} 3{third} {bar} 4{fourth}");
            let mut seen = seen(&text);
            if survives(&seen, seen.voters.clone()).is_err() {
                continue;
            }
            let mut steps = 0;
            while let Next::Step(step) = next(&seen) {
                seen.take(step);
                assert!(survives(&seen, seen.voters.clone()).is_ok(), "{text}: {step}");
                assert!(seen.voters.contains(&seen.leader), "{text}: {step}");
                steps += 1;
                assert!(steps < 20, "{text} never ends");
            }
            walked += steps;
        }
    }
    assert!(walked > 1000, "{walked}");
}
