//! Generations of the fake models.

use super::{
    Fake, Running,
    vocabulary::{END, bytes, whole, word},
};
use crate::backend::{BackendError, Event, Finish, GenerateRequest, Generation, Stop, Token, Work};
use futures::{StreamExt, stream::unfold};
use std::{collections::VecDeque, time::Duration};
use tokio::time::sleep;

/// Tokens of an answer that does not end by chance.
const LONGEST: usize = 40;
/// Tokens of a piece of the loud model.
const LOUD: usize = 256;

struct State {
    fake: Fake,
    request: GenerateRequest,
    stop: Stop,
    made: Vec<Token>,
    /// Bytes of a character that is not whole.
    held: Vec<u8>,
    /// Tokens that follow in any case: the rest of a character.
    due: VecDeque<Token>,
    hash: u64,
    is_over: bool,
    _running: Running,
}

/// A good mixture of 64 bits: the finaliser of SplitMix64.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Tokens as they come. The same request gives the same ones.
pub fn generation(fake: Fake, request: GenerateRequest, stop: Stop) -> Generation {
    let seed = if request.sampling.temperature > 0.0 {
        request.sampling.seed as u64
    } else {
        0
    };
    let hash = request
        .prompt
        .iter()
        .fold(mix(seed), |hash, token| mix(hash ^ u64::from(*token)));
    let state = State {
        _running: fake.begin(),
        fake,
        request,
        stop,
        made: Vec::new(),
        held: Vec::new(),
        due: VecDeque::new(),
        hash,
        is_over: false,
    };
    unfold(state, |mut state| async move {
        if state.is_over {
            return None;
        }
        let event = state.step().await;
        state.is_over = !matches!(event, Ok(Event::Piece { .. }));
        Some((event, state))
    })
    .boxed()
}

impl State {
    async fn step(&mut self) -> Result<Event, BackendError> {
        match self.request.model.as_str() {
            "fake-slow" => tokio::select! {
                () = sleep(Duration::from_millis(20)) => {}
                () = self.stop.stopped() => {}
            },
            _ => tokio::task::yield_now().await,
        }
        if self.stop.is_stopped() {
            return Ok(self.done(Finish::Stopped));
        }
        if self.request.model == "fake-broken" && self.made.len() >= 3 {
            return Err(BackendError::Failed(
                "the worker broke off after three tokens".to_owned(),
            ));
        }
        let number = if self.request.model == "fake-loud" { LOUD } else { 1 };
        let mut tokens = Vec::with_capacity(number);
        while tokens.len() < number && self.made.len() + tokens.len() < self.request.max_tokens as usize {
            match self.next(self.made.len() + tokens.len()) {
                END => break,
                token => tokens.push(token),
            }
        }
        if tokens.is_empty() {
            let is_full = self.made.len() >= self.request.max_tokens as usize;
            return Ok(self.done(if is_full { Finish::Length } else { Finish::Stop }));
        }
        self.fake.count(tokens.len() as u64);
        self.held.extend(tokens.iter().copied().flat_map(bytes));
        self.made.extend_from_slice(&tokens);
        let text = whole(&mut self.held);
        Ok(Event::Piece { text, tokens })
    }

    fn next(&mut self, position: usize) -> Token {
        if let Some(token) = self.due.pop_front() {
            return token;
        }
        self.hash = mix(self.hash);
        let endless = matches!(self.request.model.as_str(), "fake-slow" | "fake-loud");
        let ends = position >= LONGEST || position > 4 && self.hash.is_multiple_of(16);
        if ends && !endless {
            return END;
        }
        if self.hash % 16 == 1 {
            // A character of four bytes, each of which is a token.
            let mut character = "🙂".bytes().map(Token::from);
            let first = character.next().unwrap_or(END);
            self.due.extend(character);
            return first;
        }
        word(self.hash >> 8)
    }

    fn done(&mut self, finish: Finish) -> Event {
        let price = Fake::price(Work {
            prompt: self.request.prompt.len() as u32,
            generated: self.made.len() as u32,
        });
        let report = self
            .fake
            .report(&self.request.model, &self.request.prompt, &self.made, price);
        Event::Done { finish, report }
    }
}
