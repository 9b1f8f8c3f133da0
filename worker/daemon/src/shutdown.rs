//! The request to end, which every task of a program hears.

use tokio::{
    signal::{
        ctrl_c,
        unix::{SignalKind, signal},
    },
    sync::{oneshot, watch},
};

/// Tells tasks that the program is to end.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Becomes requested when `true` is sent, or the sender is dropped.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Becomes requested at the first signal or, if asked, when standard input is closed; a second signal ends the
    /// program.
    pub fn on_signal(with_stdin: bool) -> Self {
        let (sender, shutdown) = Self::channel();
        tokio::spawn(async move {
            let mut terminated = match signal(SignalKind::terminate()) {
                Ok(terminated) => terminated,
                Err(error) => {
                    tracing::error!(%error, "signals cannot be watched");
                    return std::future::pending().await;
                }
            };
            tokio::select! {
                _ = ctrl_c() => {}
                _ = terminated.recv() => {}
                () = stdin_closed(), if with_stdin => {}
            }
            // The receiver lives as long as anything is to be shut down.
            let _ = sender.send(true);
            tokio::select! {
                _ = ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            tracing::warn!("stopped at once by a second signal");
            std::process::exit(130);
        });
        shutdown
    }

    /// Whether the program is to end.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is.
    pub async fn requested(&mut self) {
        // An error means that the sender is gone, which is a request as well.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

/// Waits until standard input is closed, as it is when the program at its other end has ended.
pub async fn stdin_closed() {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        // Whatever comes is dropped; an error means that there is nothing to wait for.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = sender.send(());
    });
    let _ = receiver.await;
}
