//! Limits of what is served at a time: places for requests, and tokens in a minute.

use crate::{config::Limits, error::ApiError, ledger::KeyLimits};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Keys whose buckets are kept in memory; full ones are dropped first, since a new one is full as well.
const MAX_BUCKETS: usize = 10_000;

/// Usage at this moment, of everybody and of each key.
#[derive(Clone)]
pub struct Usage {
    requests: Arc<Semaphore>,
    limits: Arc<Limits>,
    keys: Arc<Mutex<HashMap<String, KeyUsage>>>,
}

#[derive(Debug)]
struct KeyUsage {
    requests: u32,
    /// Tokens that can be taken now.
    tokens: f64,
    /// When the bucket was filled up last.
    filled: Instant,
    per_minute: u64,
}

/// A place among the requests that are served; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    usage: Arc<Mutex<HashMap<String, KeyUsage>>>,
    key: String,
    _permit: OwnedSemaphorePermit,
}

impl Usage {
    /// Nothing is in use.
    pub fn new(limits: &Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.requests)),
            limits: Arc::new(limits.clone()),
            keys: Arc::default(),
        }
    }

    /// A place for a request of this key.
    pub fn enter(&self, key: &str, own: &KeyLimits) -> Result<Place, ApiError> {
        let busy = |message: String| ApiError::too_many("too_many_requests", message, 1);
        let Ok(permit) = self.requests.clone().try_acquire_owned() else {
            let number = self.limits.requests;
            return Err(busy(format!(
                "the gateway serves {number} requests at a time: try again"
            )));
        };
        let max = own.requests.unwrap_or(self.limits.requests_per_key);
        let mut keys = lock(&self.keys);
        let usage = self.of(&mut keys, key, own);
        if usage.requests >= max {
            return Err(busy(format!(
                "this key has {max} requests at a time: wait until one has ended"
            )));
        }
        usage.requests += 1;
        Ok(Place {
            usage: self.keys.clone(),
            key: key.to_owned(),
            _permit: permit,
        })
    }

    /// Requests that are served now.
    pub fn requests(&self) -> usize {
        self.limits.requests - self.requests.available_permits()
    }

    /// Takes the tokens that a request can use at most.
    pub fn take_tokens(&self, key: &str, own: &KeyLimits, tokens: u64) -> Result<(), ApiError> {
        let mut keys = lock(&self.keys);
        let usage = self.of(&mut keys, key, own);
        let per_minute = usage.per_minute;
        if tokens > per_minute {
            let message = format!(
                "this request may use {tokens} tokens, and this key has {per_minute} in a minute: shorten the prompt or \
                 lower the maximum of tokens"
            );
            return Err(ApiError::invalid("max_tokens", message));
        }
        usage.fill(Instant::now());
        let missing = tokens as f64 - usage.tokens;
        if missing > 0.0 {
            let seconds = (missing * 60.0 / per_minute as f64).ceil();
            let message = format!("this key has {per_minute} tokens in a minute: wait {seconds} s");
            return Err(ApiError::too_many("tokens_per_minute", message, seconds as u32));
        }
        usage.tokens -= tokens as f64;
        Ok(())
    }

    /// Gives back tokens that a request took and did not use.
    pub fn give_back_tokens(&self, key: &str, tokens: u64) {
        if let Some(usage) = lock(&self.keys).get_mut(key) {
            usage.tokens = (usage.tokens + tokens as f64).min(usage.per_minute as f64);
        }
    }

    fn of<'k>(&self, keys: &'k mut HashMap<String, KeyUsage>, key: &str, own: &KeyLimits) -> &'k mut KeyUsage {
        let per_minute = own.tokens_per_minute.unwrap_or(self.limits.tokens_per_minute);
        if keys.len() >= MAX_BUCKETS && !keys.contains_key(key) {
            let now = Instant::now();
            keys.retain(|_, usage| {
                usage.fill(now);
                usage.requests > 0 || usage.tokens < usage.per_minute as f64
            });
        }
        let usage = keys.entry(key.to_owned()).or_insert_with(|| KeyUsage {
            requests: 0,
            tokens: per_minute as f64,
            filled: Instant::now(),
            per_minute,
        });
        usage.per_minute = per_minute;
        usage
    }
}

impl KeyUsage {
    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.filled).as_secs_f64();
        let full = self.per_minute as f64;
        self.tokens = (self.tokens + seconds * full / 60.0).min(full);
        self.filled = now;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(usage) = lock(&self.usage).get_mut(&self.key) {
            // It was counted when the place was given; qed.
            usage.requests = usage.requests.saturating_sub(1);
        }
    }
}

/// Nothing is done under the lock that could leave it half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(requests: usize, per_key: u32, tokens: u64) -> Usage {
        Usage::new(&Limits {
            requests,
            requests_per_key: per_key,
            tokens_per_minute: tokens,
            ..Limits::default()
        })
    }

    #[test]
    fn a_place_is_free_again_when_its_request_ends() {
        let (usage, own) = (usage(2, 1, 1), KeyLimits::default());
        let first = usage.enter("a", &own).unwrap();
        assert_eq!(usage.enter("a", &own).unwrap_err().retry_after, Some(1));
        let second = usage.enter("b", &own).unwrap();
        assert_eq!(usage.enter("c", &own).unwrap_err().status, 429);
        assert_eq!(usage.requests(), 2);
        drop((first, second));
        assert_eq!(usage.requests(), 0);
        assert!(usage.enter("a", &own).is_ok());
    }

    #[test]
    fn a_key_may_have_limits_of_its_own() {
        let usage = usage(9, 1, 10);
        let own = KeyLimits {
            requests: Some(2),
            tokens_per_minute: Some(100),
            ..KeyLimits::default()
        };
        let _places = [usage.enter("a", &own).unwrap(), usage.enter("a", &own).unwrap()];
        assert!(usage.enter("a", &own).is_err());
        assert!(usage.take_tokens("a", &own, 100).is_ok());
        assert!(usage.take_tokens("b", &KeyLimits::default(), 11).is_err());
    }

    #[test]
    fn tokens_come_back_with_time_and_when_they_are_not_used() {
        let (usage, own) = (usage(1, 1, 600), KeyLimits::default());
        usage.take_tokens("a", &own, 600).unwrap();
        let error = usage.take_tokens("a", &own, 100).unwrap_err();
        assert_eq!((error.status.as_u16(), error.retry_after), (429, Some(10)));
        usage.give_back_tokens("a", 100);
        usage.take_tokens("a", &own, 100).unwrap();
        lock(&usage.keys).get_mut("a").unwrap().filled -= std::time::Duration::from_secs(30);
        usage.take_tokens("a", &own, 300).unwrap();
        usage.give_back_tokens("a", 10_000);
        assert!(lock(&usage.keys)["a"].tokens <= 600.0);
        let error = usage.take_tokens("a", &own, 601).unwrap_err();
        assert_eq!(
            (error.status.as_u16(), error.param.as_deref()),
            (400, Some("max_tokens"))
        );
    }
}
