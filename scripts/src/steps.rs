//! Runs named steps one after another and tells how long each took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

#[derive(Clone, Copy)]
pub enum OnFailure {
    Stop,
    KeepGoing,
}

pub struct Steps {
    on_failure: OnFailure,
    done: Vec<Done>,
}

struct Done {
    name: &'static str,
    verdict: Verdict,
    duration: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    LeftOut,
}

impl Steps {
    pub fn new(on_failure: OnFailure) -> Self {
        Self { on_failure, done: Vec::new() }
    }

    /// Runs a step, unless an earlier one failed and that is enough.
    pub fn run<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        if self.is_over() {
            self.done.push(Done { name, verdict: Verdict::LeftOut, duration: Duration::ZERO });
            return None;
        }
        eprintln!("==> {name}");
        let started_at = Instant::now();
        let result = work();
        let duration = started_at.elapsed();
        let verdict = if result.is_ok() { Verdict::Passed } else { Verdict::Failed };
        match &result {
            Ok(_) => eprintln!("<== {name} passed in {:.1} s", duration.as_secs_f64()),
            Err(error) => eprintln!("<== {name} failed after {:.1} s: {error:#}", duration.as_secs_f64()),
        }
        self.done.push(Done { name, verdict, duration });
        result.ok()
    }

    /// Prints the summary. An error if a step failed.
    pub fn finish(self) -> Result<()> {
        eprint!("{}", self.summary());
        match self.done.iter().filter(|done| done.verdict == Verdict::Failed).count() {
            0 => Ok(()),
            failed => bail!("{failed} of {} steps failed", self.done.len()),
        }
    }

    fn is_over(&self) -> bool {
        match self.on_failure {
            OnFailure::Stop => self.done.iter().any(|done| done.verdict == Verdict::Failed),
            OnFailure::KeepGoing => false,
        }
    }

    fn summary(&self) -> String {
        let line = |done: &Done| match done.verdict {
            Verdict::Passed => format!("passed   {:7.1} s  {}\n", done.duration.as_secs_f64(), done.name),
            Verdict::Failed => format!("FAILED   {:7.1} s  {}\n", done.duration.as_secs_f64(), done.name),
            Verdict::LeftOut => format!("left out            {}\n", done.name),
        };
        self.done.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(on_failure: OnFailure, expected: Expect) {
        let mut steps = Steps::new(on_failure);
        assert_eq!(steps.run("format", || Ok(1)), Some(1));
        assert_eq!(steps.run("layers", || -> Result<()> { bail!("an arrow too many") }), None);
        steps.run("lints", || Ok(()));
        let summary = steps.summary().replace("0.0 s", "- s");
        let error = steps.finish().unwrap_err();
        expected.assert_eq(&format!("{summary}{error}"));
    }

    #[test]
    fn the_first_failure_ends_it() {
        check(
            OnFailure::Stop,
            expect![[r#"
                passed       - s  format
                FAILED       - s  layers
                left out            lints
                1 of 3 steps failed"#]],
        );
    }

    #[test]
    fn or_it_keeps_going() {
        check(
            OnFailure::KeepGoing,
            expect![[r#"
                passed       - s  format
                FAILED       - s  layers
                passed       - s  lints
                1 of 3 steps failed"#]],
        );
    }
}
