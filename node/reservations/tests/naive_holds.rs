//! Seats, holds, payments, policies and jobs: random commands, compared step by step with a model too simple to be
//! wrong; with ticks and without; one by one and in batches.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests fail as tests do, on whatever they do not expect"
)]

#[path = "naive_holds/aim.rs"]
mod aim;
#[path = "naive_holds/answers.rs"]
mod answers;
#[path = "naive_holds/bookings.rs"]
mod bookings;
#[path = "naive_holds/jobs.rs"]
mod jobs;
#[path = "naive_holds/model.rs"]
mod model;
#[path = "naive_holds/payments.rs"]
mod payments;
#[path = "naive_holds/places.rs"]
mod places;
#[path = "naive_holds/stage.rs"]
mod stage;
#[path = "naive_holds/steps.rs"]
mod steps;

use holdfast_reservations::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use answers::{Answer, Seen, SeenJob};
use model::Model;
use stage::Stage;
use steps::{Jobs, Step, steps};

/// A stage and the model beside it, and what was asked of them.
struct Play {
    stage: Stage,
    model: Model,
    asked: Vec<(Request, Outcome)>,
}

impl Play {
    fn new() -> Self {
        Self { stage: Stage::new(), model: Model::default(), asked: Vec::new() }
    }

    fn step(&mut self, index: usize, step: &Step) -> Result<(), TestCaseError> {
        let at = step.moment(&self.stage);
        self.model.pass_until(at);
        let again = step.again.and_then(|back| self.asked.iter().rev().nth(back).cloned());
        let request = again.as_ref().map(|(request, _)| request.clone());
        let request = request.unwrap_or_else(|| step.request(index, &self.stage, at));
        if let Some((_, outcome)) = again.filter(|(_, outcome)| is_kept(outcome)) {
            // A retry finds the first answer, and changes nothing.
            let applied = self.stage.apply_one(at, &request);
            prop_assert_eq!(applied.outcome, outcome, "again {:?}", request);
            prop_assert_eq!(applied.events, Vec::new());
        } else {
            let outcome = self.stage.apply_one(at, &request).outcome;
            self.note_chosen(&outcome);
            let found = Answer::of(&outcome, Timestamp(at));
            let expected = self.model.step(request.principal.scope(), &request.command);
            prop_assert_eq!(found, expected, "at {} {:?}", at, request);
            if request.id.is_some() {
                self.asked.push((request, outcome));
            }
        }
        prop_assert_eq!(&self.model.complaints, &Vec::<String>::new());
        self.compare()
    }

    /// Tells the model which seats were chosen, for it to judge.
    fn note_chosen(&mut self, outcome: &Outcome) {
        let jobs = self.stage.jobs();
        let ran = jobs.iter().filter_map(|(_, job)| match &job.state {
            JobState::Done { outcome, .. } => Some(&**outcome),
            JobState::Delayed | JobState::Waiting { .. } => None,
        });
        for outcome in ran.chain([outcome]) {
            let Outcome::Booking(id, booking) = outcome else { continue };
            let seats = booking.seats.iter().map(|seat| seat.number).collect();
            self.model.chosen.insert((id.0, booking.version), seats);
        }
    }

    /// Every booking and every job is what the model says, and what is sold out has been so since then.
    fn compare(&self) -> Result<(), TestCaseError> {
        let now = self.stage.state.now();
        let found: Vec<(u64, Seen)> =
            self.stage.bookings().iter().map(|(id, booking)| (id.0, Seen::of(booking, now))).collect();
        let expected: Vec<(u64, Seen)> =
            (1..=self.model.bookings.len() as u64).map(|id| (id, self.model.see(id))).collect();
        prop_assert_eq!(found, expected);

        let rows = self.stage.state.rows();
        let found: Vec<(u64, SeenJob, Option<u64>)> = self
            .stage
            .jobs()
            .iter()
            .map(|(id, job)| (id.0, SeenJob::of(job), job_position(rows, job)))
            .collect();
        let jobs = 1..=self.model.jobs.len() as u64;
        let expected: Vec<(u64, SeenJob, Option<u64>)> =
            jobs.filter_map(|id| Some((id, self.model.see_job(id)?, self.model.position(id)))).collect();
        prop_assert_eq!(found, expected);
        for (pool, since) in &self.model.sold_out_at {
            let counts = rows.row::<PoolCounts>(PoolId(*pool)).unwrap();
            prop_assert_eq!(counts.sold_out_at, Some(Timestamp(*since)), "since when {} is sold out", pool);
        }
        prop_assert_eq!(self.stage.state.check_invariants(), Vec::<String>::new());
        Ok(())
    }
}

/// Whether a retry gets the same answer: not if it said nothing of the command, or may be early.
fn is_kept(outcome: &Outcome) -> bool {
    let Outcome::Rejected(rejection) = outcome else { return true };
    let is_tried_again = matches!(
        rejection,
        Rejection::Unauthenticated | Rejection::Forbidden | Rejection::PaymentNotFound(_)
    );
    !is_tried_again
}

/// What a step asks for: something new, or an earlier request again.
fn ask(asked: &mut Vec<Request>, step: &Step, index: usize, stage: &Stage, at: u64) -> Request {
    if let Some(earlier) = step.again.and_then(|back| asked.iter().rev().nth(back)) {
        return earlier.clone();
    }
    let request = step.request(index, stage, at);
    asked.push(request.clone());
    request
}

/// What a caller is told, whoever has tidied up before: revisions differ, and how a lapsed hold is stored.
fn told(outcome: &Outcome, now: Timestamp) -> (Option<(u64, Seen)>, Option<Outcome>) {
    match outcome {
        Outcome::Booking(id, booking) => (Some((id.0, Seen::of(booking, now))), None),
        other => (None, Some(other.clone())),
    }
}

/// What is left of every pool.
fn pools(stage: &Stage) -> Vec<(Key, Row)> {
    let rows = stage.state.rows();
    let all = [
        Key::Pool(PoolId(0))..Key::Pool(PoolId(u64::MAX)),
        Key::SeatBlock(PoolId(0), 0)..Key::SeatTaken(PoolId(u64::MAX), 0),
    ];
    all.into_iter().flat_map(|range| rows.scan(range, Order::Ascending, usize::MAX)).collect()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(5_500))]

    #[test]
    fn the_rules_answer_as_the_naive_model_does(steps in steps(Jobs::Yes)) {
        let mut play = Play::new();
        for (index, step) in steps.iter().enumerate() {
            play.step(index, step)?;
        }
    }
}

proptest! {
    #![proptest_config(config(2_500))]

    #[test]
    fn ticks_only_tidy_up(
        steps in steps(Jobs::No),
        ticks in prop::collection::vec(prop::option::of(0..100_u64), 1..20),
    ) {
        let (mut untidy, mut tidy, mut asked) = (Stage::new(), Stage::new(), Vec::new());
        for (index, (step, tick)) in steps.iter().zip(ticks.into_iter().cycle()).enumerate() {
            let at = step.moment(&untidy);
            if let Some(share) = tick {
                let between = untidy.now() + (at - untidy.now()) * share / 99;
                prop_assert_eq!(tidy.tick(between), 0);
                prop_assert_eq!(tidy.state.check_invariants(), Vec::<String>::new());
            }
            let request = ask(&mut asked, step, index, &untidy, at);
            let told = |stage: &mut Stage| told(&stage.apply_one(at, &request).outcome, Timestamp(at));
            prop_assert_eq!(told(&mut untidy), told(&mut tidy), "{:?}", request);
            prop_assert_eq!(untidy.state.check_invariants(), Vec::<String>::new());
            prop_assert_eq!(tidy.state.check_invariants(), Vec::<String>::new());
        }
        // Once all is tidied up, the same is left.
        let now = untidy.now();
        prop_assert_eq!((untidy.tick(now), tidy.tick(now)), (0, 0));
        prop_assert_eq!(pools(&untidy), pools(&tidy));
    }

    #[test]
    fn batching_and_restarting_change_nothing(
        steps in steps(Jobs::Yes),
        cuts in prop::collection::vec(1..8_usize, 1..20),
    ) {
        let (mut whole, mut restarted, mut single) = (Stage::new(), Stage::new(), Stage::new());
        let (mut asked, mut steps) = (Vec::new(), steps.iter().enumerate().peekable());
        for cut in cuts.into_iter().cycle() {
            let Some((_, first)) = steps.peek() else { break };
            let at = first.moment(&single);
            let (mut requests, mut answers) = (Vec::new(), Vec::new());
            for (index, step) in steps.by_ref().take(cut) {
                let request = ask(&mut asked, step, index, &single, at);
                answers.push(Answer::of(&single.apply_one(at, &request).outcome, Timestamp(at)));
                requests.push(request);
            }
            let applied = whole.apply(at, requests.clone());
            restarted.restart();
            prop_assert_eq!(&applied, &restarted.apply(at, requests));
            let in_batch: Vec<Answer> =
                applied.iter().map(|applied| Answer::of(&applied.outcome, Timestamp(at))).collect();
            prop_assert_eq!(answers, in_batch);
            prop_assert_eq!(whole.state.check_invariants(), Vec::<String>::new());
        }
        prop_assert_eq!(whole.state.rows(), restarted.state.rows());
    }
}
