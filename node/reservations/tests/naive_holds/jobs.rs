//! Jobs in the model: who waits, in a list in the order in which they came.

use holdfast_reservations::*;

use crate::answers::{Answer, Refused, SeenJob};
use crate::bookings::{books_for_others, owner};
use crate::model::{Model, ModelBooking, ModelSlot, ModelState};

#[derive(Clone, Debug)]
pub struct Job {
    who: u64,
    command: JobCommand,
    promised: Option<u64>,
    priority: u8,
    created_at: u64,
    not_before: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Delayed,
    Waiting,
    Ran { at: u64, answer: Answer, forgotten_at: u64 },
}

/// Who waits for a resource, and when somebody looks.
#[derive(Default)]
pub struct Queue {
    waiting: Vec<u64>,
    /// The first microsecond in which the next may be admitted.
    next_at_micros: u64,
    looked_at: Option<u64>,
}

/// What a tick finds to do, in its order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Todo {
    Look { resource: u64 },
    Accept { job: u64 },
    Forget { job: u64 },
}

impl Model {
    /// A job as everybody sees it.
    pub fn see_job(&self, id: u64) -> Option<SeenJob> {
        let job = self.jobs.get(id as usize - 1)?.as_ref()?;
        Some(match &job.state {
            State::Delayed => SeenJob::Delayed,
            State::Waiting => SeenJob::Waiting,
            State::Ran { at, answer, .. } => SeenJob::Ran { at: *at, answer: Box::new(answer.clone()) },
        })
    }

    /// How many go before a job that waits.
    pub fn position(&self, id: u64) -> Option<u64> {
        let queue = self.queues.values().find(|queue| queue.waiting.contains(&id))?;
        Some(self.in_order(queue).into_iter().position(|other| other == id)? as u64)
    }

    /// Who waits, the next one first: by priority, and as they came.
    fn in_order(&self, queue: &Queue) -> Vec<u64> {
        let mut waiting = queue.waiting.clone();
        waiting.sort_by_key(|id| std::cmp::Reverse(self.job(*id).priority));
        waiting
    }

    fn job(&self, id: u64) -> &Job {
        self.jobs[id as usize - 1].as_ref().unwrap()
    }

    pub fn enqueue(&mut self, who: u64, wanted: &Enqueue) -> Result<u64, Refused> {
        if wanted.priority > 9 || (wanted.priority > 0 && !books_for_others(who)) {
            return Err("forbidden");
        }
        let id = self.jobs.len() as u64 + 1;
        let mut promised = None;
        let is_in_vain = |slot: &ModelSlot| wanted.not_before.is_some_and(|at| at.0 >= slot.ends_at);
        match &wanted.command {
            JobCommand::Confirm(confirm) => {
                let booking = self.find(who, confirm.booking, None)?;
                if is_in_vain(&self.slot(booking.slot)?) {
                    return Err("too_late");
                }
            }
            JobCommand::Reserve(reserve) => {
                let user = owner(who, reserve.user)?;
                let (slot, pool) = self.slot_and_pool(reserve)?;
                if is_in_vain(&slot) {
                    return Err("too_late");
                }
                if wanted.promise == Promise::Booking {
                    let (slot, booked_by, state) = (slot.id, who, ModelState::Queued);
                    let (count, seats, version, payment) = (0, Vec::new(), 1, None);
                    let booking =
                        ModelBooking { slot, pool, user, booked_by, count, seats, state, version, payment };
                    self.bookings.push(booking);
                    promised = Some(self.bookings.len() as u64);
                }
            }
        }
        let created_at = self.now;
        let not_before = wanted.not_before.map_or(self.now, |moment| moment.0);
        let (command, state) = (wanted.command.clone(), State::Delayed);
        // Who has places goes before those who want some.
        let priority = if matches!(command, JobCommand::Confirm(_)) { 9 } else { wanted.priority };
        self.jobs.push(Some(Job { who, command, promised, priority, created_at, not_before, state }));
        if not_before <= self.now {
            self.accept(id);
        }
        Ok(id)
    }

    /// Runs a job, or lets it wait behind those who are there.
    fn accept(&mut self, id: u64) {
        let resource = match self.job(id).command.clone() {
            JobCommand::Reserve(reserve) => self.slot_and_pool(&reserve).unwrap().0.resource,
            JobCommand::Confirm(confirm) => {
                let booking = &self.bookings[confirm.booking.0 as usize - 1];
                self.slot(booking.slot).unwrap().resource
            }
        };
        let is_first = self.queues.entry(resource).or_default().waiting.is_empty();
        if is_first && let Some(at) = self.admitted_at(resource, self.now) {
            return self.run(id, at);
        }
        self.jobs[id as usize - 1].as_mut().unwrap().state = State::Waiting;
        self.queues.entry(resource).or_default().waiting.push(id);
        self.look_later(resource);
    }

    fn run(&mut self, id: u64, at: u64) {
        let Job { who, command, promised, .. } = self.job(id).clone();
        let result = match &command {
            JobCommand::Reserve(reserve) => self.reserve(who, reserve, promised),
            JobCommand::Confirm(confirm) => self.confirm(who, confirm),
        };
        if let (Some(booking), Err(_)) = (promised, result) {
            self.change(booking, |booking| booking.state = ModelState::Rejected).unwrap();
        }
        self.look_at_pools();
        let answer = self.answer(result);
        let kept = self.policies.get(&(Scope::Cluster, PolicyField::JobResultDuration));
        let forgotten_at = self.now + kept.copied().unwrap_or(300_000);
        self.jobs[id as usize - 1].as_mut().unwrap().state = State::Ran { at, answer, forgotten_at };
    }

    /// Does what is due. What that makes due in turn is for the next tick; what it undoes is done no more.
    pub fn tick(&mut self) {
        for todo in self.todo() {
            if !self.todo().contains(&todo) {
                continue;
            }
            match todo.1 {
                Todo::Look { resource } => self.admit(resource),
                Todo::Accept { job } => self.accept(job),
                Todo::Forget { job } => self.jobs[job as usize - 1] = None,
            }
        }
    }

    fn todo(&self) -> Vec<(u64, Todo)> {
        let looks = self.queues.iter().map(|(id, queue)| (queue.looked_at, Todo::Look { resource: *id }));
        let jobs = (1..).zip(&self.jobs).map(|(id, job)| match job {
            Some(Job { state: State::Delayed, not_before, .. }) => {
                (Some(*not_before), Todo::Accept { job: id })
            }
            Some(Job { state: State::Ran { forgotten_at, .. }, .. }) => {
                (Some(*forgotten_at), Todo::Forget { job: id })
            }
            Some(Job { state: State::Waiting, .. }) | None => (None, Todo::Forget { job: id }),
        });
        let due = looks.chain(jobs).filter_map(|(at, todo)| Some((at.filter(|at| *at <= self.now)?, todo)));
        let mut due: Vec<(u64, Todo)> = due.collect();
        due.sort_unstable();
        due
    }

    fn admit(&mut self, resource: u64) {
        loop {
            let waiting = self.in_order(&self.queues[&resource]);
            let Some(next) = waiting.first().copied() else { break };
            let since = self.job(next).created_at.max(self.job(next).not_before);
            let Some(at) = self.admitted_at(resource, since) else { break };
            self.queues.entry(resource).or_default().waiting.retain(|id| *id != next);
            self.run(next, at);
        }
        self.look_later(resource);
    }

    /// The moment at which one more is admitted, if that has come: up to a tenth of a second ago, but not before `since`.
    fn admitted_at(&mut self, resource: u64, since: u64) -> Option<u64> {
        let rate = self.policy_of_resource(resource, PolicyField::AdmissionRate);
        let Some(rate) = rate else { return Some(self.now) };
        if rate == 0 {
            return None;
        }
        let (now, interval) = (self.now * 1000, 1_000_000_000 / rate);
        let queue = self.queues.entry(resource).or_default();
        queue.next_at_micros = queue.next_at_micros.min(now + interval);
        if queue.next_at_micros > now {
            return None;
        }
        let at = queue.next_at_micros.max(now.saturating_sub(100_000)).max(since * 1000);
        queue.next_at_micros = at + interval;
        Some(at / 1000)
    }

    /// Says when somebody looks again: when the next may be admitted, and at the latest after a second.
    fn look_later(&mut self, resource: u64) {
        let rate = self.policy_of_resource(resource, PolicyField::AdmissionRate);
        let (now, queue) = (self.now, self.queues.entry(resource).or_default());
        queue.looked_at = match rate {
            _ if queue.waiting.is_empty() => None,
            None => Some(now),
            Some(0) => Some(now + 1000),
            Some(rate) => {
                let next_at = queue.next_at_micros.min(now * 1000 + 1_000_000_000 / rate);
                Some(next_at.div_ceil(1000).min(now + 1000))
            }
        };
    }
}
