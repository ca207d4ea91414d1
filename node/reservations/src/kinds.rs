//! Kinds of event, as those who want to hear of some of them name them: `booking.ready`, `booking.*`, `*`.

use serde::{Deserialize, Serialize};

/// Kinds that can be asked for by name. Every name of an event of a booking or a slot is here.
const KNOWN: [&str; 16] = [
    "booking.held",
    "booking.confirmed",
    "booking.changed",
    "booking.cancelled",
    "booking.expired",
    "booking.ready",
    "booking.used",
    "booking.no_show",
    "booking.displaced",
    "booking.rejected",
    "slot.opened",
    "slot.started",
    "slot.finished",
    "slot.changed",
    "slot.withdrawn",
    "slot.no_shows_stopped",
];

/// Patterns that can be asked for beside them.
const WIDE: [&str; 3] = ["*", "booking.*", "slot.*"];

/// Patterns one webhook or user may name. The facade refuses more.
pub const KINDS_MAX: usize = 20;

/// Some kinds of event. One that was parsed names at least one that there is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KindPattern(String);

impl KindPattern {
    /// The pattern of a text; `None` if it names nothing that happens.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_known = KNOWN.contains(&text) || WIDE.contains(&text);
        is_known.then(|| Self(text.to_owned()))
    }

    /// As it was asked for.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an event of this name is one of them.
    #[must_use]
    pub fn matches(&self, kind: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => self.0 == kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KindPattern;

    #[test]
    fn a_pattern_names_one_kind_all_of_a_noun_or_everything() {
        let matches =
            |pattern: &str, kind: &str| KindPattern::parse(pattern).map(|kinds| kinds.matches(kind));
        assert_eq!(matches("*", "slot.opened"), Some(true));
        assert_eq!(matches("booking.*", "booking.ready"), Some(true));
        assert_eq!(matches("booking.*", "slot.opened"), Some(false));
        assert_eq!(matches("booking.ready", "booking.ready"), Some(true));
        assert_eq!(matches("booking.ready", "booking.rejected"), Some(false));
        for nonsense in ["", "booking", "booking.", "booking.r*", "venue.*", "Booking.ready", "**"] {
            assert_eq!(KindPattern::parse(nonsense), None, "{nonsense}");
        }
    }
}
