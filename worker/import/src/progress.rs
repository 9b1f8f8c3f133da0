//! Progress of an import, for the person who waits for it.

/// A part of an import, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// The operators of the program become nodes; a step is one operator.
    Operators,
    /// Weights are read and turned into what the package holds; a step is one byte of the package.
    Weights,
    /// Weights are hashed, and the package is checked; one step.
    Package,
}

/// State of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The part that is under way.
    pub stage: Stage,
    /// Steps of it that are done, from 0 to `total`.
    pub done: u64,
    /// Steps that it has.
    pub total: u64,
}

/// A function that is told of every step. It must return soon, since the import waits for it.
pub type OnProgress<'a> = dyn FnMut(Progress) + 'a;

/// Steps of one part, which are told as they are done.
pub(super) struct Steps<'s, 'a> {
    on_progress: &'s mut OnProgress<'a>,
    now: Progress,
}

impl<'s, 'a> Steps<'s, 'a> {
    /// Begins a part of this many steps.
    pub fn begin(on_progress: &'s mut OnProgress<'a>, stage: Stage, total: u64) -> Self {
        let now = Progress { stage, done: 0, total };
        on_progress(now);
        Self { on_progress, now }
    }

    /// Counts this many steps as done.
    pub fn advance(&mut self, steps: u64) {
        self.now.done = self.now.done.saturating_add(steps).min(self.now.total);
        (self.on_progress)(self.now);
    }
}
