//! Connects to a node again and again, with growing pauses, for daemons that outlive their connections.

use crate::shutdown::Shutdown;
use assay_client::chain::{ChainError, Client};
use std::time::Duration;

/// Pause before the second attempt to connect; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The nodes, and how long to wait before the next one is tried.
pub(crate) struct Connections {
    nodes: Vec<String>,
    pause: Duration,
}

impl Connections {
    /// These nodes, in the order in which they are tried.
    pub(crate) fn new(nodes: &[String]) -> Self {
        Self {
            nodes: nodes.to_vec(),
            pause: FIRST_PAUSE,
        }
    }

    /// A connection; none if the program is to end. Fails only where another attempt cannot help.
    pub(crate) async fn open(&mut self, shutdown: &mut Shutdown) -> Result<Option<Client>, ChainError> {
        loop {
            let connection = tokio::select! {
                connection = Client::connect(&self.nodes) => connection,
                () = shutdown.requested() => return Ok(None),
            };
            match connection {
                Ok(client) => return Ok(Some(client)),
                Err(error) if error.is_connection() => {
                    if !self.lost(&error, shutdown).await {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Notes that the connection does its work: the next pause is a short one.
    pub(crate) fn works(&mut self) {
        self.pause = FIRST_PAUSE;
    }

    /// Waits after a connection has broken; false if the program is to end.
    pub(crate) async fn lost(&mut self, error: &ChainError, shutdown: &mut Shutdown) -> bool {
        if shutdown.is_requested() {
            return false;
        }
        // The node that failed goes to the end of the line.
        self.nodes.rotate_left(1);
        tracing::warn!(%error, next = self.nodes[0], pause_s = self.pause.as_secs(), "no connection; trying again");
        tokio::select! {
            () = tokio::time::sleep(self.pause) => {}
            () = shutdown.requested() => return false,
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
