//! A fixed number of threads that share out the parts of one computation after the other.
//!
//! A thread that waits for the next computation looks for it for some microseconds before it sleeps, since those of one
//! model follow each other closely. A computation does not wait for a thread that has not begun with it: on a busy
//! machine that may take longer than the computation. Which thread takes which part is left to chance, so no result may
//! depend on it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

/// Number of looks of a waiting thread before it sleeps: some tens of microseconds.
const LOOKS: u32 = 4_000;

/// The threads. The calling thread is one of them, so with one there is no other.
pub struct Threads {
    shared: Arc<Shared>,
    others: Vec<JoinHandle<()>>,
    /// Computations of several callers take turns.
    turn: Mutex<()>,
}

struct Shared {
    /// Counts computations, so that a thread sees a new one without taking a lock.
    round: AtomicU64,
    /// Other threads that take part in the present one. A thread joins with the lock on the state held.
    active: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    round: u64,
    /// Function that those call that join; nothing once there is nothing left to do.
    work: Option<Work>,
    stopped: bool,
    /// Panic of a thread.
    panic: Option<Box<dyn Any + Send>>,
}

/// Function that every thread calls, with its position.
#[derive(Clone, Copy)]
struct Work(*const (dyn Fn(usize) + Sync));

// SAFETY: the function is `Sync`, so it may be called from any thread; `Threads::run` keeps it alive meanwhile.
unsafe impl Send for Work {}

impl Threads {
    /// Starts all but one of `count` threads; 0 counts as 1.
    pub fn new(count: usize) -> Self {
        let shared = Arc::new(Shared {
            round: AtomicU64::new(0),
            active: AtomicUsize::new(0),
            state: Mutex::new(State {
                round: 0,
                work: None,
                stopped: false,
                panic: None,
            }),
            changed: Condvar::new(),
        });
        let others = (1..count)
            .map(|position| {
                let shared = shared.clone();
                std::thread::spawn(move || shared.take_part(position))
            })
            .collect();
        Self {
            shared,
            others,
            turn: Mutex::new(()),
        }
    }

    /// Number of threads, with the caller's.
    pub fn count(&self) -> usize {
        self.others.len() + 1
    }

    /// Calls `work` for every item, on all threads, with the position of the thread. Items are begun in their order.
    ///
    /// `work` does not call back into these threads.
    pub fn share<T: Send>(&self, items: impl Iterator<Item = T> + Send, work: impl Fn(usize, T) + Sync) {
        // To hand one item to another thread takes longer than most.
        let several = items.size_hint().1.is_none_or(|most| most > 1);
        self.share_if(several, items, work);
    }

    /// The same, on the calling thread alone unless it is worth the microseconds that others take to begin.
    pub fn share_if<T: Send>(
        &self,
        worth: bool,
        items: impl Iterator<Item = T> + Send,
        work: impl Fn(usize, T) + Sync,
    ) {
        if self.others.is_empty() || !worth {
            items.for_each(|item| work(0, item));
            return;
        }
        let items = Mutex::new(items);
        self.run(&|position| {
            loop {
                let next = lock(&items).next();
                let Some(item) = next else { break };
                work(position, item);
            }
        });
    }

    /// Calls `work` on this thread, and on others that have the time for it, and returns when all of these have
    /// returned. A panic of one of them is passed on.
    fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        let _turn = lock(&self.turn);
        // SAFETY: only the lifetime changes. Other threads call the function only if they have joined, and this
        // function returns, or unwinds, after none can join any more and all that have are done.
        let shared_work: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(work) };
        {
            let mut state = lock(&self.shared.state);
            state.work = Some(Work(shared_work));
            state.round += 1;
            self.shared.round.store(state.round, Ordering::Release);
        }
        self.shared.changed.notify_all();
        let own = catch_unwind(AssertUnwindSafe(|| work(0)));
        lock(&self.shared.state).work = None;
        self.shared.wait_for_the_others();
        let other = lock(&self.shared.state).panic.take();
        if let Some(panic) = own.err().or(other) {
            resume_unwind(panic);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.shared.state);
            state.stopped = true;
            state.round += 1;
            self.shared.round.store(state.round, Ordering::Release);
        }
        self.shared.changed.notify_all();
        for thread in self.others.drain(..) {
            // Its panics are caught, so it has ended in order.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// A thread's life: one computation after the other, until there are no more.
    fn take_part(&self, position: usize) {
        let mut seen = 0;
        while let Some(work) = self.join_next(&mut seen) {
            // SAFETY: this thread has joined, so `Threads::run` keeps the function alive until it leaves below.
            let work = unsafe { &*work.0 };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(position))) {
                lock(&self.state).panic = Some(panic);
            }
            if self.active.fetch_sub(1, Ordering::AcqRel) == 1 {
                // With the lock held, so that a caller that is about to sleep has either seen this or is woken.
                let _state = lock(&self.state);
                self.changed.notify_all();
            }
        }
    }

    /// Waits for the next computation and joins it; nothing if there will be none.
    fn join_next(&self, seen: &mut u64) -> Option<Work> {
        loop {
            look(|| self.round.load(Ordering::Acquire) != *seen);
            let state = lock(&self.state);
            let state = self.changed.wait_while(state, |state| state.round == *seen);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            *seen = state.round;
            if state.stopped {
                return None;
            }
            if let Some(work) = state.work {
                self.active.fetch_add(1, Ordering::AcqRel);
                return Some(work);
            }
            // It is over already.
        }
    }

    fn wait_for_the_others(&self) {
        let finished = || self.active.load(Ordering::Acquire) == 0;
        if !look(finished) {
            let state = lock(&self.state);
            let state = self.changed.wait_while(state, |_| !finished());
            drop(state.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// Looks some times whether it is so, without sleeping.
fn look(so: impl Fn() -> bool) -> bool {
    for _ in 0..LOOKS {
        if so() {
            return true;
        }
        std::hint::spin_loop();
    }
    false
}

/// Nothing that these locks guard is left half changed by a panic.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        for count in 0..5 {
            let threads = Threads::new(count);
            for length in [0, 1, 3, 1000] {
                let mut places = vec![0u32; length];
                for _ in 0..20 {
                    threads.share(places.iter_mut().enumerate(), |_, (index, place)| {
                        *place += index as u32
                    });
                }
                assert!(
                    places
                        .iter()
                        .enumerate()
                        .all(|(index, place)| *place == 20 * index as u32)
                );
            }
        }
    }

    #[test]
    fn panic_is_passed_on_and_the_threads_live() {
        let threads = Threads::new(3);
        for _ in 0..20 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                threads.share(0..100, |_, item| assert!(item != 57, "as wanted"));
            }));
            assert!(result.is_err());
            let sum = AtomicUsize::new(0);
            threads.share(0..100usize, |_, item| {
                sum.fetch_add(item, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 4950);
        }
    }

    #[test]
    fn threads_sleep_and_wake() {
        let threads = Threads::new(2);
        for _ in 0..5 {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let sum = AtomicUsize::new(0);
            threads.share(0..10usize, |_, item| {
                std::thread::sleep(std::time::Duration::from_micros(200));
                sum.fetch_add(item, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }
}
