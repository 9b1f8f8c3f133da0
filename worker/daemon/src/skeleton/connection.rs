//! Connects to a node again and again, with growing pauses, for daemons that outlive their connections.

use crate::shutdown::Shutdown;
use assay_client::chain::{BlockNumber, ChainError, Connect, Constants};
use std::time::Duration;

/// Pause before the second attempt to connect; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Maximum pause while something is open that has a deadline: a job, a bid, a clock of a dispute.
const LONGEST_PAUSE_OPEN: Duration = Duration::from_secs(2);
/// Maximum pause whatever the deadlines are.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Part of the chain's shortest deadline that a pause may take.
const PART_OF_DEADLINE: u32 = 8;
/// Time that a block is thought to take: the least that chains of this runtime have.
const BLOCK: Duration = Duration::from_secs(2);

/// The nodes, and how long to wait before the next one is tried.
pub(crate) struct Connections<N> {
    connect: N,
    nodes: Vec<String>,
    pause: Duration,
    longest: Duration,
}

impl<N: Connect> Connections<N> {
    /// These nodes, in the order in which they are tried.
    pub(crate) fn new(connect: N, nodes: &[String]) -> Self {
        Self {
            connect,
            nodes: nodes.to_vec(),
            pause: FIRST_PAUSE,
            longest: LONGEST_PAUSE_OPEN,
        }
    }

    /// A connection; none if the program is to end. Fails only where another attempt cannot help.
    pub(crate) async fn open(&mut self, shutdown: &mut Shutdown) -> Result<Option<N::Chain>, ChainError> {
        loop {
            let connection = tokio::select! {
                connection = self.connect.connect(&self.nodes) => connection,
                () = shutdown.requested() => return Ok(None),
            };
            match connection {
                Ok(chain) => return Ok(Some(chain)),
                Err(error) if error.is_connection() => {
                    if !self.lost(&error, shutdown).await {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes that the connection does its work, on a chain of these limits: the next pause is a short one.
    pub(crate) fn works(&mut self, constants: &Constants) {
        self.pause = FIRST_PAUSE;
        self.longest = longest_pause(shortest_deadline(constants), false);
    }

    /// Notes whether something is open that has a deadline.
    pub(crate) fn note_open(&mut self, open: bool) {
        if open {
            self.longest = self.longest.min(LONGEST_PAUSE_OPEN);
        }
    }

    /// Waits after a connection has broken; false if the program is to end.
    pub(crate) async fn lost(&mut self, error: &ChainError, shutdown: &mut Shutdown) -> bool {
        if shutdown.is_requested() {
            return false;
        }
        // The node that failed goes to the end of the line.
        self.nodes.rotate_left(1);
        let pause = self.pause.min(self.longest);
        let next = self.nodes.first();
        tracing::warn!(%error, next, pause_ms = pause.as_millis(), "no connection; trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.requested() => return false,
        }
        self.pause = (pause * 2).min(self.longest);
        true
    }
}

/// Blocks of the shortest time that the chain gives anybody for anything.
fn shortest_deadline(constants: &Constants) -> BlockNumber {
    constants
        .deadline
        .0
        .min(constants.window.0)
        .min(constants.auction_phase.0)
}

/// Maximum pause between two attempts, so that several of them fit into the shortest deadline.
fn longest_pause(shortest_blocks: BlockNumber, open: bool) -> Duration {
    let most = if open { LONGEST_PAUSE_OPEN } else { LONGEST_PAUSE };
    (BLOCK * shortest_blocks / PART_OF_DEADLINE).clamp(FIRST_PAUSE, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_attempts_fit_into_the_shortest_deadline() {
        for blocks in [1, 5, 30, 1_000, BlockNumber::MAX / 4] {
            for open in [false, true] {
                let pause = longest_pause(blocks, open);
                assert!(pause >= FIRST_PAUSE && pause <= LONGEST_PAUSE);
                assert!(!open || pause <= LONGEST_PAUSE_OPEN);
                // A block may take half a second.
                assert!(
                    blocks < 5 || pause * 2 <= Duration::from_millis(500) * blocks.min(1_000),
                    "{blocks} {open}"
                );
            }
        }
        assert_eq!(longest_pause(30, false), Duration::from_millis(7_500));
    }
}
