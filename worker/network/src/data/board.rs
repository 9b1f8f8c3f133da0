//! Which windows of a plan are still to be fetched, and who is at it. Several providers take from one board.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Age of a request after which an idle provider is asked for the same window.
const PATIENT_FOR: Duration = Duration::from_secs(2);
/// Providers that are asked for one window at a time.
const MAX_COPIES: u8 = 2;

/// The windows of a plan.
#[derive(Debug)]
pub(crate) struct Board {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pending: VecDeque<u32>,
    taken: HashMap<u32, Taken>,
    is_done: Vec<bool>,
    left: usize,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    since: Instant,
    copies: u8,
}

impl Board {
    /// A board of this many windows, of which some are finished.
    pub(crate) fn new(windows: usize, finished: &[u32]) -> Arc<Self> {
        let mut is_done = vec![false; windows];
        for index in finished {
            if let Some(done) = is_done.get_mut(*index as usize) {
                *done = true;
            }
        }
        let pending: VecDeque<u32> = (0u32..)
            .zip(&is_done)
            .filter(|(_, done)| !**done)
            .map(|(index, _)| index)
            .collect();
        Arc::new(Self {
            state: Mutex::new(State {
                left: pending.len(),
                pending,
                taken: HashMap::new(),
                is_done,
            }),
        })
    }

    /// Takes a window that nobody is at, or else one that somebody has been at for long.
    pub(crate) fn take(&self, now: Instant) -> Option<u32> {
        let mut state = self.state();
        while let Some(index) = state.pending.pop_front() {
            if state.is_done[index as usize] {
                continue;
            }
            let taken = state.taken.entry(index).or_insert(Taken { since: now, copies: 0 });
            taken.copies += 1;
            taken.since = now;
            return Some(index);
        }
        let is_late =
            |taken: &Taken| taken.copies < MAX_COPIES && now.saturating_duration_since(taken.since) >= PATIENT_FOR;
        let late = state.taken.iter().filter(|(_, taken)| is_late(taken));
        let oldest = late.min_by_key(|(_, taken)| taken.since).map(|(index, _)| *index)?;
        let taken = state.taken.get_mut(&oldest)?;
        taken.copies += 1;
        taken.since = now;
        Some(oldest)
    }

    /// Finishes a window; whether it was the first to do so.
    pub(crate) fn finish(&self, index: u32) -> bool {
        let mut state = self.state();
        state.taken.remove(&index);
        let is_first = !std::mem::replace(&mut state.is_done[index as usize], true);
        state.left -= usize::from(is_first);
        is_first
    }

    /// Gives a window back that was not fetched.
    pub(crate) fn give_back(&self, index: u32) {
        let mut state = self.state();
        if state.is_done[index as usize] {
            return;
        }
        let Some(taken) = state.taken.get_mut(&index) else {
            return;
        };
        taken.copies -= 1;
        if taken.copies == 0 {
            state.taken.remove(&index);
            state.pending.push_front(index);
        }
    }

    /// Whether all windows are finished.
    pub(crate) fn is_done(&self) -> bool {
        self.state().left == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The windows that one stream has asked for, in order; given back when they are dropped.
pub(crate) struct Claims {
    board: Arc<Board>,
    windows: VecDeque<u32>,
}

impl Claims {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        Self {
            board,
            windows: VecDeque::new(),
        }
    }

    /// Takes one more window.
    pub(crate) fn take(&mut self) -> Option<u32> {
        let index = self.board.take(Instant::now())?;
        self.windows.push_back(index);
        Some(index)
    }

    /// The window that is answered next.
    pub(crate) fn first(&self) -> Option<u32> {
        self.windows.front().copied()
    }

    /// Finishes the first window; whether nobody else has.
    pub(crate) fn finish_first(&mut self) -> bool {
        let first = self.windows.pop_front();
        first.is_some_and(|index| self.board.finish(index))
    }

    /// Windows that are claimed.
    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        for index in self.windows.drain(..).rev() {
            self.board.give_back(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_a_dropped_stream_are_taken_by_others_first() {
        let board = Board::new(4, &[1]);
        let mut first = Claims::new(board.clone());
        assert_eq!((first.take(), first.take()), (Some(0), Some(2)));
        assert!(first.finish_first());
        drop(first);
        let mut second = Claims::new(board.clone());
        assert_eq!((second.take(), second.take(), second.take()), (Some(2), Some(3), None));
        assert!(second.finish_first() && !board.is_done());
        assert!(second.finish_first() && board.is_done());
    }

    #[test]
    fn window_that_takes_long_is_asked_of_one_more() {
        let (board, now) = (Board::new(1, &[]), Instant::now());
        assert_eq!((board.take(now), board.take(now)), (Some(0), None));
        let later = now + PATIENT_FOR;
        assert_eq!((board.take(later), board.take(later + PATIENT_FOR)), (Some(0), None));
        assert!(board.finish(0));
        assert!(!board.finish(0));
        board.give_back(0);
        assert_eq!(board.take(later), None);
    }
}
