//! Times of several ways to do the same, taken in turns, so that what else the machine does meets all of them.

use std::time::Instant;

/// How often all ways take their turns.
const TURNS: usize = 5;
/// Least calls in one turn; the first one, which fills caches and wakes threads, is not counted.
const LEAST_CALLS: usize = 2;
/// About how long one turn takes, in seconds. Threads of a library that has had its turn may still look for work for a
/// while, so turns are long.
const TURN_SECONDS: f64 = 0.12;

/// The medians of the times that each takes, in milliseconds.
pub fn in_turns<const COUNT: usize>(mut ways: [&mut dyn FnMut(); COUNT]) -> [f64; COUNT] {
    let mut times: [Vec<f64>; COUNT] = std::array::from_fn(|_| Vec::new());
    for _ in 0..TURNS {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            way();
            let turn = Instant::now();
            let mut calls = 0;
            while calls < LEAST_CALLS || turn.elapsed().as_secs_f64() < TURN_SECONDS {
                let start = Instant::now();
                way();
                times.push(start.elapsed().as_secs_f64() * 1e3);
                calls += 1;
            }
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}
