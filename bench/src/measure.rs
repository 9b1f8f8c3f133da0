//! Times of several ways to do the same, taken in turns, so that what else the machine does meets all of them.

use std::time::Instant;

/// Number of turns that all ways take.
const TURNS: usize = 5;
/// Least calls in one turn; the first one, which fills caches and wakes threads, is not counted.
const LEAST_CALLS: usize = 2;
/// About how long one turn takes, in seconds. Threads of a library that has had its turn may still look for work for a
/// while, so turns are long.
const TURN_SECONDS: f64 = 0.12;

/// A way that times itself, in milliseconds.
pub type Timed<'a> = Box<dyn FnMut() -> f64 + 'a>;

/// The medians of the times that each takes, in milliseconds.
pub fn in_turns<const COUNT: usize>(ways: [&mut dyn FnMut(); COUNT]) -> [f64; COUNT] {
    let mut medians = timed_in_turns(ways.into_iter().map(timed).collect()).into_iter();
    std::array::from_fn(|_| medians.next().unwrap_or(f64::NAN))
}

/// The same for any number of ways, which time themselves: one that asks another process does not count the asking.
pub fn timed_in_turns(mut ways: Vec<Timed<'_>>) -> Vec<f64> {
    let mut times = vec![Vec::new(); ways.len()];
    for _ in 0..TURNS {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            way();
            let turn = Instant::now();
            let mut calls = 0;
            while calls < LEAST_CALLS || turn.elapsed().as_secs_f64() < TURN_SECONDS {
                times.push(way());
                calls += 1;
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// Times a way that does not.
pub fn timed<'a>(mut way: impl FnMut() + 'a) -> Timed<'a> {
    Box::new(move || {
        let start = Instant::now();
        way();
        start.elapsed().as_secs_f64() * 1e3
    })
}

/// The median of some times, of which there is at least one.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
