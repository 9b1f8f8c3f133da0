//! Terms of the models that a worker serves, which an operator may change while it runs.

use crate::config::{ModelPolicy, OfferPolicy};
use assay_client::units;
use std::future::pending;
use tokio::sync::mpsc;

/// Configurations that are read again while the worker runs.
#[derive(Debug)]
pub struct Reloads(Option<mpsc::Receiver<Vec<ModelPolicy>>>);

impl Reloads {
    /// Takes the models of each configuration that is sent.
    pub fn channel() -> (mpsc::Sender<Vec<ModelPolicy>>, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Self(Some(receiver)))
    }

    /// No configuration is read again.
    pub fn none() -> Self {
        Self(None)
    }

    /// Waits for the next one; for ever if there is none. May be cancelled.
    pub(super) async fn next(&mut self) -> Vec<ModelPolicy> {
        if let Some(receiver) = &mut self.0
            && let Some(models) = receiver.recv().await
        {
            return models;
        }
        pending().await
    }
}

/// Changes by a configuration that was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// The models that are served, with their terms from now on.
    pub(super) models: Vec<ModelPolicy>,
    /// Lines for the log about terms that change.
    pub(super) taken: Vec<String>,
    /// Lines for the log about what needs a restart.
    pub(super) left: Vec<String>,
}

/// The terms that change for the models that are served now. Which models are served, and whether sessions are offered
/// at all, changes at a restart alone.
pub(super) fn changes(now: &[ModelPolicy], read: &[ModelPolicy]) -> Changes {
    let mut changes = Changes::default();
    for model in now {
        let Some(new) = read.iter().find(|new| new.package == model.package) else {
            changes
                .left
                .push(format!("{} is gone, and is served until a restart", model.package));
            changes.models.push(model.clone());
            continue;
        };
        let mut new = new.clone();
        if new.sessions.is_some() && model.sessions.is_none() {
            changes
                .left
                .push(format!("sessions on {} are offered after a restart", model.package));
            new.sessions = None;
        }
        if new != *model {
            let (before, after) = (price(model.offer), price(new.offer));
            changes.taken.push(match before == after {
                true => format!("{}: other terms at the same price", model.package),
                false => format!("{}: {before} before, {after} now", model.package),
            });
        }
        changes.models.push(new);
    }
    let is_served = |new: &&ModelPolicy| now.iter().any(|model| model.package == new.package);
    let added = read.iter().filter(|new| !is_served(new));
    changes
        .left
        .extend(added.map(|new| format!("{} is new, and is served after a restart", new.package)));
    changes
}

fn price(offer: Option<OfferPolicy>) -> String {
    offer.map_or_else(|| "no offer".to_owned(), |offer| units::price(offer.base, offer.rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BlockPolicy, SessionPolicy};

    fn model(package: &str, base: u128) -> ModelPolicy {
        ModelPolicy {
            package: package.into(),
            offer: Some(OfferPolicy {
                base: base * units::UNIT,
                rate: 0,
                capacity: 4,
            }),
            blocks: BlockPolicy::default(),
            bidding: None,
            sessions: None,
        }
    }

    #[test]
    fn a_price_changes_and_which_models_are_served_does_not() {
        let now = [model("one", 1), model("two", 2)];
        let found = changes(&now, &[model("three", 3), model("one", 5)]);
        assert_eq!(found.models, [model("one", 5), model("two", 2)]);
        assert_eq!(found.taken, ["one: 1 ASY before, 5 ASY now"]);
        assert_eq!(found.left.len(), 2);
        assert!(found.left[0].starts_with("two is gone") && found.left[1].starts_with("three is new"));
        let same = changes(&now, &now);
        assert_eq!(
            (same.models.as_slice(), same.taken.len(), same.left.len()),
            (&now[..], 0, 0)
        );
    }

    #[test]
    fn sessions_begin_at_a_restart_alone() {
        let with_sessions = ModelPolicy {
            sessions: Some(SessionPolicy {
                base: 1,
                rate: 0,
                min_budget: 1,
                max_budget: 2,
                lock_percent: 100,
                max_blocks: 10,
                window_blocks: None,
                capacity: 1,
            }),
            ..model("one", 1)
        };
        let found = changes(&[model("one", 1)], std::slice::from_ref(&with_sessions));
        assert_eq!((found.models, found.taken.len()), (vec![model("one", 1)], 0));
        assert!(found.left[0].contains("after a restart"));
        let without = changes(&[with_sessions], &[model("one", 1)]);
        assert_eq!(without.models, [model("one", 1)]);
    }
}
