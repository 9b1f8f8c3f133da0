//! Whether the engine can be relied on: a count of failures in a row.

/// Failures in a row after which the engine is not relied on.
const FAILURES: u32 = 3;

/// Whether the engine can be relied on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It can.
    #[default]
    Well,
    /// It cannot: the last failure, in words. A self-test that passes ends this.
    Failing(String),
}

impl Health {
    /// Whether the engine can be relied on.
    pub fn is_well(&self) -> bool {
        *self == Self::Well
    }
}

/// Counts failures of the engine in a row. Jobs that are at fault themselves are no failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaker {
    in_a_row: u32,
    health: Health,
}

impl Breaker {
    /// Whether the engine can be relied on.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Notes a job that was executed. Only a self-test makes a failing engine well again: one job may be an easy one.
    pub fn note_success(&mut self) {
        self.in_a_row = 0;
    }

    /// Notes a failure; true if the engine was well before and is not now.
    pub fn note_failure(&mut self, reason: &str) -> bool {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row < FAILURES {
            return false;
        }
        let was_well = self.health.is_well();
        self.health = Health::Failing(reason.to_owned());
        was_well
    }

    /// Notes that the engine gave something wrong, after which nothing more is relied on; true if it was well before.
    pub fn note_difference(&mut self, reason: &str) -> bool {
        let was_well = self.health.is_well();
        self.health = Health::Failing(reason.to_owned());
        was_well
    }

    /// Notes a self-test that has passed; true if the engine was not well before.
    pub fn note_test_passed(&mut self) -> bool {
        self.in_a_row = 0;
        !std::mem::take(&mut self.health).is_well()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_break_and_only_a_self_test_mends() {
        let mut breaker = Breaker::default();
        assert!(!breaker.note_failure("first"));
        assert!(!breaker.note_failure("second"));
        breaker.note_success();
        assert!(!breaker.note_failure("first"));
        assert!(!breaker.note_failure("second"));
        assert!(breaker.health().is_well());
        assert!(breaker.note_failure("third"));
        assert_eq!(*breaker.health(), Health::Failing("third".into()));
        assert!(!breaker.note_failure("fourth"), "said once");
        breaker.note_success();
        assert!(!breaker.health().is_well());
        assert!(breaker.note_test_passed());
        assert!(breaker.health().is_well());
        assert!(!breaker.note_failure("first"), "counted from the beginning");
        assert!(!breaker.note_test_passed());
    }

    #[test]
    fn one_difference_breaks_at_once() {
        let mut breaker = Breaker::default();
        assert!(breaker.note_difference("an element"));
        assert!(!breaker.note_difference("another"), "said once");
        assert_eq!(*breaker.health(), Health::Failing("another".into()));
        assert!(breaker.note_test_passed());
    }
}
