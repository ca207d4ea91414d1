//! Wing and Gong's search with Lowe's memory: takes calls in every order that their times allow, the likeliest first, and
//! goes back where no order explains the answers.

use std::collections::HashSet;

use super::Bounds;
use super::model::State;
use super::operations::{Component, Operation};

/// What a search came to.
pub(super) enum Found {
    /// An order that explains everything.
    Order,
    /// There is none: behind the longest beginning of one, each of these fails.
    None { stuck: Vec<usize> },
    /// Too many steps, or too much to remember.
    GivenUp(&'static str),
}

/// Events of the operations that are still to be taken, in order of time, as a list that forgets and remembers.
struct Events {
    events: Vec<Event>,
    /// Where each operation was asked for and, if it was, answered.
    places: Vec<(usize, Option<usize>)>,
    next: Vec<usize>,
    previous: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Event {
    Asked(usize),
    Answered,
}

/// Which operations were taken, and what that led to.
type Tried = (Box<[u64]>, State);

/// A moment of the search: what was taken last, and what may be taken next, the most promising at the end.
struct Moment {
    last: Option<usize>,
    choices: Vec<(usize, State)>,
}

struct Search<'a> {
    component: &'a Component<'a>,
    bounds: Bounds,
    events: Events,
    taken: Vec<u64>,
    tried: HashSet<Tried>,
    steps: usize,
    bytes: usize,
    furthest: usize,
    stuck: Vec<usize>,
}

pub(super) fn search(component: &Component<'_>, bounds: Bounds) -> Found {
    let events = Events::of(&component.operations);
    let taken = vec![0u64; component.operations.len().div_ceil(64)];
    let (tried, stuck) = (HashSet::new(), Vec::new());
    Search { component, bounds, events, taken, tried, steps: 0, bytes: 0, furthest: 0, stuck }.run()
}

impl Search<'_> {
    fn run(mut self) -> Found {
        let mut path = Vec::new();
        let mut next = Some((None, self.component.start()));
        loop {
            if let Some((last, state)) = next.take() {
                // Nobody waits for an answer any more: what is left may as well never have happened.
                if !self.events.is_anybody_waiting() {
                    return Found::Order;
                }
                let choices = self.choices(&state);
                if choices.is_empty() && (path.len() > self.furthest || self.stuck.is_empty()) {
                    (self.furthest, self.stuck) = (path.len(), self.events.candidates());
                }
                path.push(Moment { last, choices });
            }
            if self.steps > self.bounds.steps_max {
                return Found::GivenUp("too many orders are possible");
            }
            if self.bytes > self.bounds.bytes_max {
                return Found::GivenUp("too many orders were tried to remember them");
            }
            let Some(moment) = path.last_mut() else { return Found::None { stuck: self.stuck } };
            next = match moment.choices.pop() {
                Some((operation, state)) => {
                    self.take(operation);
                    match self.is_new(&state) {
                        true => Some((Some(operation), state)),
                        false => {
                            self.give_back(operation);
                            None
                        }
                    }
                }
                None => {
                    if let Some(Moment { last: Some(last), .. }) = path.pop() {
                        self.give_back(last);
                    }
                    None
                }
            };
        }
    }

    /// What can have come next. Whatever saw this very state, and never changes one, may as well have come at once: then
    /// there is no other choice. A change that changes nothing here might be needed later, where it does.
    fn choices(&mut self, state: &State) -> Vec<(usize, State)> {
        let mut choices = Vec::new();
        for operation in self.events.candidates() {
            self.steps += 1;
            match self.component.step(operation, state) {
                Some(next) if self.component.operations[operation].only_looks() => {
                    return vec![(operation, next)];
                }
                Some(next) => choices.push((operation, next)),
                None => (),
            }
        }
        // What revisions say is tried first, but not believed; then who asked first.
        choices.reverse();
        choices.sort_by_key(|(operation, _)| std::cmp::Reverse(self.component.operations[*operation].rank()));
        choices
    }

    fn take(&mut self, operation: usize) {
        self.events.forget(operation);
        self.taken[operation / 64] ^= 1 << (operation % 64);
    }

    fn give_back(&mut self, operation: usize) {
        self.events.remember(operation);
        self.taken[operation / 64] ^= 1 << (operation % 64);
    }

    /// Whether what was just taken leads anywhere new.
    fn is_new(&mut self, state: &State) -> bool {
        let attempt = (self.taken.clone().into_boxed_slice(), state.clone());
        let bytes = attempt.1.bytes() + size_of_val(&*attempt.0);
        let is_new = self.tried.insert(attempt);
        self.bytes += if is_new { bytes } else { 0 };
        is_new
    }
}

/// Before the first and after the last event.
const END: usize = usize::MAX;

impl Events {
    fn of(operations: &[Operation<'_>]) -> Self {
        let mut times: Vec<(u64, bool, usize)> = Vec::with_capacity(operations.len() * 2);
        for (index, operation) in operations.iter().enumerate() {
            // Who asks at the moment of an answer may not have known it.
            times.push((operation.began_at, false, index));
            times.extend(operation.answered_at.map(|answered_at| (answered_at, true, index)));
        }
        times.sort_unstable();
        let mut places = vec![(0, None); operations.len()];
        for (event, (_, is_answer, operation)) in times.iter().enumerate() {
            match is_answer {
                true => places[*operation].1 = Some(event),
                false => places[*operation].0 = event,
            }
        }
        let event = |(_, is_answer, operation): &(u64, bool, usize)| match is_answer {
            true => Event::Answered,
            false => Event::Asked(*operation),
        };
        let events: Vec<Event> = times.iter().map(event).collect();
        // Position 0 is a head that no event has, so every index is one higher.
        let next = (1..=events.len()).chain([END]).collect();
        let previous = std::iter::once(END).chain(0..events.len()).collect();
        Self { events, places, next, previous }
    }

    fn iter(&self) -> impl Iterator<Item = Event> {
        let events = std::iter::successors(self.event(self.next[0]), |event| self.after(*event));
        events.map(|event| self.events[event])
    }

    fn is_anybody_waiting(&self) -> bool {
        self.iter().any(|event| matches!(event, Event::Answered))
    }

    /// The operations still to be taken that were asked for before the first answer.
    fn candidates(&self) -> Vec<usize> {
        let asked = self.iter().map_while(|event| match event {
            Event::Asked(operation) => Some(operation),
            Event::Answered => None,
        });
        asked.collect()
    }

    fn after(&self, event: usize) -> Option<usize> {
        self.event(self.next[event + 1])
    }

    fn event(&self, node: usize) -> Option<usize> {
        (node != END && node <= self.events.len()).then(|| node - 1)
    }

    fn forget(&mut self, operation: usize) {
        let (asked, answered) = self.places[operation];
        self.unlink(asked + 1);
        answered.into_iter().for_each(|answered| self.unlink(answered + 1));
    }

    /// Undoes the newest `forget`.
    fn remember(&mut self, operation: usize) {
        let (asked, answered) = self.places[operation];
        answered.into_iter().for_each(|answered| self.relink(answered + 1));
        self.relink(asked + 1);
    }

    fn unlink(&mut self, node: usize) {
        let (previous, next) = (self.previous[node], self.next[node]);
        self.next[previous] = next;
        if next < self.previous.len() {
            self.previous[next] = previous;
        }
    }

    fn relink(&mut self, node: usize) {
        let (previous, next) = (self.previous[node], self.next[node]);
        self.next[previous] = node;
        if next < self.previous.len() {
            self.previous[next] = node;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::history::History;

    /// Numbers that look random, the same in every run.
    struct Dice(u64);

    impl Dice {
        fn throw(&mut self, sides: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % sides
        }
    }

    /// A few calls with made-up answers, which fit together or not.
    fn made_up(dice: &mut Dice) -> History {
        let mut text =
            String::from("end slot:1 capacity:2 available:1 confirmed:1\nend booking:1 slot:1 owner:3\n");
        let mut call = |dice: &mut Dice, what: &str| {
            let began = dice.throw(8);
            writeln!(text, "{began}..{} user:3 {what}", began + dice.throw(6)).unwrap();
        };
        call(dice, "key:a book slot:1 -> booking:1");
        let given_back = ["booking:2 slot:1 owner:3 cancelled", "unknown", "refused booking_not_found"];
        let given_back = given_back[dice.throw(3) as usize];
        call(dice, &format!("key:b cancel booking:2 -> {given_back}"));
        let third = ["key:c book slot:1 -> booking:2", "look slot:1 -> capacity:2 available:2"];
        let third = third[dice.throw(2) as usize];
        call(dice, third);
        for key in ["d", "e"] {
            let count = 1 + dice.throw(2);
            let told = ["booking:1 slot:1 owner:3 count:", "unknown"][dice.throw(2) as usize];
            let told = if told == "unknown" { told.to_owned() } else { format!("{told}{count}") };
            call(dice, &format!("key:{key} modify booking:1 count:{count} -> {told}"));
        }
        for _ in 0..2 {
            let taken = dice.throw(3);
            call(dice, &format!("look slot:1 -> capacity:2 available:{} confirmed:{taken}", 2 - taken));
        }
        let history: History = text.parse().unwrap();
        match history.calls.iter().any(|call| call.key.as_deref() == Some("c")) {
            true => (text + "end booking:2 slot:1 owner:3 cancelled\n").parse().unwrap(),
            false => history,
        }
    }

    /// Tries every order, without any cleverness.
    fn has_order(component: &Component<'_>, left: &[usize], state: &State) -> bool {
        let answered = |operation: &usize| component.operations[*operation].answered_at;
        let first_answer = left.iter().filter_map(answered).min();
        let Some(first_answer) = first_answer else { return true };
        left.iter().filter(|next| component.operations[**next].began_at <= first_answer).any(|next| {
            let rest: Vec<usize> = left.iter().copied().filter(|other| other != next).collect();
            component.step(*next, state).is_some_and(|state| has_order(component, &rest, &state))
        })
    }

    #[test]
    fn it_finds_an_order_exactly_when_there_is_one() {
        let mut dice = Dice(1);
        let mut orders = 0;
        for _ in 0..3000 {
            let history = made_up(&mut dice);
            for component in Component::all(&history) {
                let all: Vec<usize> = (0..component.operations.len()).collect();
                let expected = has_order(&component, &all, &component.start());
                let found = matches!(search(&component, Bounds::default()), Found::Order);
                assert_eq!(found, expected, "{history}");
                orders += u32::from(expected);
            }
        }
        assert!((300..2700).contains(&orders), "{orders} of 3000 have one: too few of one kind to tell");
    }
}
