//! Generation: the tokens that a check graph says, made one after the other with caches.
//!
//! From the graph that checks a whole sequence follows the graph that continues some: [`roles`] says what every tensor
//! is to one token, and [`derive`] writes the graph down. It is executed as any other, and since sums are exact, its
//! tokens are those of the check graph, bit for bit, in whatever parts and company they are made.
//!
//! Nothing here knows text: a prompt is tokens, and so is an answer.

mod caches;
mod derive;
mod prefixes;
mod request;
mod roles;
#[cfg(test)]
mod tests;

pub use assay_package::generation::Sampling;

use crate::{Continued, EngineError, LoadedModel, memory, plan::Plan};
use assay_ops::tensor::Tensor;
use assay_package::generation::{Generation, MAX_CANDIDATES};
use derive::{Derived, MAX_SEQUENCES, derive};
use prefixes::Prefixes;
use request::{inputs, inputs_of};

/// Tokens of a prompt that are taken at once.
const ROWS_AT_ONCE: usize = 512;
/// Caches have a multiple of this many slots.
const SLOTS_AT_ONCE: usize = 64;
/// Maximum bytes of keys and values that are kept of sequences for those that begin with the same tokens.
const MOST_KEPT_BYTES: u64 = 256 << 20;
/// Where memory is limited, one part of this many is theirs at most.
const KEPT_PART: u64 = 8;

/// Number of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceId(u64);

/// A token that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its sequence.
    pub sequence: SequenceId,
    /// The token.
    pub token: i64,
    /// Whether it is the sequence's last one.
    pub is_last: bool,
    /// Whether the check graph is known to say the same. It is not where a key or a value of the sequence is not
    /// finite, which is found out at its end: every token before the last one has `true` here.
    pub is_finite: bool,
}

/// Reasons for which nothing is generated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GenerateError {
    /// The model does not generate.
    #[error("the model is no language model: import it with --generation")]
    NotGeneration,
    /// The model cannot be executed token by token.
    #[error("the model cannot be executed token by token: {0}")]
    NotIncremental(String),
    /// The prompt is empty, too long, or has a token that there is not.
    #[error("the prompt must have 1 to {max} tokens, each below {vocabulary}")]
    Prompt {
        /// Maximum length, which leaves room for one token.
        max: u32,
        /// Number of tokens that there are.
        vocabulary: u32,
    },
    /// A parameter of the request is out of its range.
    #[error("{field} must be 1 to {max}")]
    Field {
        /// The parameter.
        field: &'static str,
        /// Its maximum.
        max: u32,
    },
    /// The sequence has keys or values that are not finite.
    #[error(
        "the model computes a NaN or an infinity in a key or a value of this sequence, so its check graph may say \
         something else: do not claim it, and use a model whose numbers stay finite"
    )]
    NotFinite,
    /// There are as many sequences as there may be.
    #[error("there are {MAX_SEQUENCES} sequences already")]
    Full,
    /// The engine does not execute it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A sequence that is not finished.
struct Sequence {
    id: SequenceId,
    /// The prompt and what was made.
    tokens: Vec<i64>,
    prompt: usize,
    sampling: Sampling,
}

/// Generates sequences of a loaded model, several at once. They begin and end independently of each other.
pub struct Generator {
    generation: Generation,
    derived: Derived,
    plan: Plan,
    memory_limit: u64,
    prefill: Box<dyn Continued>,
    step: Box<dyn Continued>,
    next_id: u64,
    waiting: Vec<Sequence>,
    /// Those whose rows the step's caches have, in this order.
    running: Vec<Sequence>,
    /// Slots of the step's caches.
    room: usize,
    prefixes: Prefixes,
}

impl Generator {
    /// Derives what generates from the model's check graph.
    pub fn new(model: &LoadedModel) -> Result<Self, GenerateError> {
        let generation = model.generation.clone().ok_or(GenerateError::NotGeneration)?;
        let derived = derive(&model.graph, &generation).map_err(GenerateError::NotIncremental)?;
        let continued = || model.program.continued(derived.graph.clone());
        Ok(Self {
            prefill: continued()?,
            step: continued()?,
            plan: Plan::new(&derived.graph),
            memory_limit: model.memory_limit,
            prefixes: Prefixes::new(MOST_KEPT_BYTES.min(model.memory_limit / KEPT_PART)),
            generation,
            derived,
            next_id: 0,
            waiting: Vec::new(),
            running: Vec::new(),
            room: 0,
        })
    }

    /// The same, which keeps at most this many bytes of keys and values of sequences for those that begin with the same
    /// tokens, instead of 256 MiB or the eighth part of the memory that there may be.
    ///
    /// With 0 every prompt is read whole.
    pub fn keeping(mut self, bytes: u64) -> Self {
        self.prefixes = Prefixes::new(bytes);
        self
    }

    /// Tokens of prompts that were not read, since an earlier sequence began with them.
    pub fn tokens_reused(&self) -> u64 {
        self.prefixes.tokens_reused()
    }

    /// Begins a sequence, whose first token the next [`step`](Self::step) makes.
    pub fn start(&mut self, prompt: &[i64], sampling: Sampling) -> Result<SequenceId, GenerateError> {
        let (max_length, vocabulary) = (self.generation.max_length, self.generation.vocabulary);
        let max = max_length.saturating_sub(1);
        let is_token = |token: &i64| (0..i64::from(vocabulary)).contains(token);
        if prompt.is_empty() || prompt.len() > max as usize || !prompt.iter().all(is_token) {
            return Err(GenerateError::Prompt { max, vocabulary });
        }
        for (field, value, max) in [
            ("top_k", sampling.top_k, MAX_CANDIDATES),
            ("max_tokens", sampling.max_tokens, max),
        ] {
            if !(1..=max).contains(&value) {
                return Err(GenerateError::Field { field, max });
            }
        }
        if self.len() >= MAX_SEQUENCES as usize {
            return Err(GenerateError::Full);
        }
        let longest = (prompt.len() + sampling.max_tokens as usize).min(max_length as usize);
        self.ensure_room(prompt.len(), longest)?;
        let id = SequenceId(self.next_id);
        self.next_id += 1;
        self.waiting.push(Sequence {
            id,
            tokens: prompt.to_vec(),
            prompt: prompt.len(),
            sampling,
        });
        Ok(id)
    }

    /// Makes the next token of every sequence. Sequences that are finished are gone after it.
    ///
    /// After an error no sequence is left: all of them have to be begun again.
    pub fn step(&mut self) -> Result<Vec<Made>, GenerateError> {
        let made = self.advance();
        if made.is_err() {
            self.running.clear();
            self.waiting.clear();
            self.room = 0;
        }
        made
    }

    /// Ends a sequence before it is finished. One that is finished stays so.
    pub fn stop(&mut self, sequence: SequenceId) -> Result<(), GenerateError> {
        self.waiting.retain(|waiting| waiting.id != sequence);
        let stays: Vec<bool> = self.running.iter().map(|running| running.id != sequence).collect();
        for (sequence, caches) in self.leave(&stays)? {
            // Nobody has needed the rows of its last token.
            let known = sequence.tokens.len().saturating_sub(1);
            self.remember(&sequence.tokens[..known], &caches)?;
        }
        Ok(())
    }

    /// Sequences that are not finished.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.running.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Generates one sequence, which is given back with its prompt, and shows every token as it is made.
    ///
    /// Other sequences go on beside it, and their tokens are lost: it is for generators that have no others.
    pub fn generate(
        &mut self,
        prompt: &[i64],
        sampling: Sampling,
        mut on_token: impl FnMut(i64),
    ) -> Result<Vec<i64>, GenerateError> {
        let id = self.start(prompt, sampling)?;
        let mut sequence = prompt.to_vec();
        loop {
            for made in self.step()?.into_iter().filter(|made| made.sequence == id) {
                on_token(made.token);
                sequence.push(made.token);
                match (made.is_last, made.is_finite) {
                    (false, _) => {}
                    (true, true) => return Ok(sequence),
                    (true, false) => return Err(GenerateError::NotFinite),
                }
            }
        }
    }

    /// Estimate of the bytes that an execution takes at its peak, with its caches and without the model itself: of so
    /// many sequences, with this many new tokens each, and this many slots.
    pub fn peak_bytes(&self, sequences: u32, rows: u32, room: u32) -> u64 {
        let symbols = [sequences, rows, room];
        let peak = memory::peak(&self.derived.graph, &self.plan, &symbols);
        peak.map_or_else(
            || memory::all_outputs(&self.derived.graph, &symbols),
            |peak| peak.bytes(),
        )
    }

    fn ensure_room(&mut self, prompt: usize, longest: usize) -> Result<(), EngineError> {
        if self.memory_limit == u64::MAX {
            return Ok(());
        }
        let longest = self
            .running
            .iter()
            .map(|running| self.end(running))
            .chain([longest])
            .max();
        let room = self.rounded(longest.unwrap_or(1)) as u32;
        let prefill = self.peak_bytes(1, prompt.min(ROWS_AT_ONCE) as u32, room);
        let step = self.peak_bytes(self.len() as u32 + 1, 1, room);
        let (needed, limit) = (prefill.saturating_add(step), self.memory_limit);
        if needed > limit {
            return Err(EngineError::TooLarge { needed, limit });
        }
        // What is kept of others gives way.
        self.prefixes.give_way(limit - needed);
        Ok(())
    }

    /// The length that a sequence has at most.
    fn end(&self, sequence: &Sequence) -> usize {
        let end = sequence.prompt + sequence.sampling.max_tokens as usize;
        end.min(self.generation.max_length as usize)
    }

    fn rounded(&self, slots: usize) -> usize {
        let rounded = slots.next_multiple_of(SLOTS_AT_ONCE);
        rounded.min(self.generation.max_length as usize)
    }

    fn advance(&mut self) -> Result<Vec<Made>, GenerateError> {
        LoadedModel::ensure_environment()?;
        let mut made = Vec::new();
        if !self.running.is_empty() {
            let longest = self.running.iter().map(|running| running.tokens.len()).max();
            self.grow(longest.unwrap_or(0))?;
            let rows: Vec<_> = self
                .running
                .iter()
                .map(|running| (running, running.tokens.len() - 1))
                .collect();
            let outputs = self.step.evaluate(&inputs(&rows))?;
            let tokens = selected(&outputs, self.running.len())?;
            let mut stays = Vec::new();
            for (sequence, token) in self.running.iter_mut().zip(tokens) {
                let is_last = take(&self.generation, sequence, token);
                made.push(Made {
                    sequence: sequence.id,
                    token,
                    is_last,
                    is_finite: true,
                });
                stays.push(!is_last);
            }
            let ended = self.leave(&stays)?;
            for (made, (sequence, caches)) in made.iter_mut().filter(|made| made.is_last).zip(ended) {
                made.is_finite = self.is_finite(&sequence, caches)?;
            }
        }
        let mut begun = Vec::new();
        for mut sequence in std::mem::take(&mut self.waiting) {
            let (token, caches) = self.read_prompt(&sequence)?;
            let is_last = take(&self.generation, &mut sequence, token);
            made.push(Made {
                sequence: sequence.id,
                token,
                is_last,
                is_finite: !is_last || self.is_finite(&sequence, caches.clone())?,
            });
            if !is_last {
                begun.push((sequence, caches));
            }
        }
        self.join(begun)?;
        Ok(made)
    }

    /// The token after a prompt, and the caches of the prompt.
    fn read_prompt(&mut self, sequence: &Sequence) -> Result<(i64, Vec<Tensor>), GenerateError> {
        let prompt = &sequence.tokens[..sequence.prompt];
        let room = self.rounded(prompt.len() + 1).max(self.room);
        // The last token is read in any case: the next one follows from its row.
        let (mut begin, caches) = match self.prefixes.find(&prompt[..prompt.len() - 1]) {
            Some((known, kept)) => (known, caches::begun(&self.derived.caches, kept, known, room)?),
            None => (0, caches::empty(&self.derived.caches, 1, room)?),
        };
        self.prefill.keep(caches)?;
        let mut token = None;
        while begin < prompt.len() {
            let end = prompt.len().min(begin + ROWS_AT_ONCE);
            let outputs = self.prefill.evaluate(&inputs_of(&[sequence], |_| begin..end))?;
            token = selected(&outputs, 1)?.first().copied();
            begin = end;
        }
        let token = token.ok_or_else(|| failed("the prompt is empty"))?;
        let caches = self.prefill.take()?;
        self.remember(prompt, &caches)?;
        Ok((token, caches))
    }

    /// Keeps the caches of a sequence's first tokens for sequences that begin with these.
    fn remember(&mut self, tokens: &[i64], caches: &[Tensor]) -> Result<(), EngineError> {
        if self
            .prefixes
            .wants(tokens, caches::bytes(&self.derived.caches, tokens.len()))
        {
            let kept = caches::begun(&self.derived.caches, caches, tokens.len(), tokens.len())?;
            self.prefixes.keep(tokens, kept);
        }
        Ok(())
    }

    /// Puts sequences beside those that are running.
    fn join(&mut self, begun: Vec<(Sequence, Vec<Tensor>)>) -> Result<(), GenerateError> {
        if begun.is_empty() {
            return Ok(());
        }
        let longest = begun.iter().map(|(sequence, _)| sequence.tokens.len()).max();
        let room = self.rounded(longest.unwrap_or(0)).max(self.room);
        let mut parts = Vec::with_capacity(begun.len() + 1);
        if !self.running.is_empty() {
            let own = self.step.take()?;
            let stays = vec![true; self.running.len()];
            parts.push(caches::arranged(&self.derived.caches, own, &stays, room)?);
        }
        for (sequence, caches) in begun {
            parts.push(caches::arranged(&self.derived.caches, caches, &[true], room)?);
            self.running.push(sequence);
        }
        self.step.keep(caches::joined(parts)?)?;
        self.room = room;
        Ok(())
    }

    /// Lets sequences go that do not stay, and gives them back with their caches, in their order.
    fn leave(&mut self, stays: &[bool]) -> Result<Vec<(Sequence, Vec<Tensor>)>, GenerateError> {
        if stays.iter().all(|stays| *stays) {
            return Ok(Vec::new());
        }
        let kept = self.step.take()?;
        if self.running.len() == 1 {
            // All caches are its own.
            self.room = 0;
            let gone = std::mem::take(&mut self.running).into_iter();
            return Ok(gone.zip([kept]).collect());
        }
        let (mut gone, mut staying) = (Vec::new(), Vec::new());
        for (index, sequence) in std::mem::take(&mut self.running).into_iter().enumerate() {
            if stays.get(index) == Some(&false) {
                gone.push((sequence, caches::of_one(&kept, index, stays.len())?));
            } else {
                staying.push(sequence);
            }
        }
        self.running = staying;
        if self.running.is_empty() {
            self.room = 0;
            return Ok(gone);
        }
        let kept = caches::arranged(&self.derived.caches, kept, stays, self.room)?;
        self.step.keep(kept)?;
        Ok(gone)
    }

    /// Whether all keys and values of a sequence are finite, those of its last token included, which no other token has
    /// needed. Only then do later tokens add nothing to earlier ones in the check graph as well.
    fn is_finite(&mut self, sequence: &Sequence, caches: Vec<Tensor>) -> Result<bool, GenerateError> {
        let length = sequence.tokens.len();
        let caches = caches::arranged(&self.derived.caches, caches, &[true], self.rounded(length))?;
        self.prefill.keep(caches)?;
        self.prefill.evaluate(&inputs(&[(sequence, length - 1)]))?;
        let caches = self.prefill.take()?;
        self.remember(&sequence.tokens, &caches)?;
        Ok(caches::are_finite(&caches))
    }

    /// Makes room for this many tokens of each sequence, and for some more, since everything is moved for it.
    fn grow(&mut self, tokens: usize) -> Result<(), GenerateError> {
        if tokens <= self.room {
            return Ok(());
        }
        let longest = self.running.iter().map(|running| self.end(running)).max();
        let wanted = (self.room + self.room / 4).min(longest.unwrap_or(tokens));
        let room = self.rounded(wanted.max(tokens));
        let kept = self.step.take()?;
        let stays = vec![true; self.running.len()];
        self.step
            .keep(caches::arranged(&self.derived.caches, kept, &stays, room)?)?;
        self.room = room;
        Ok(())
    }
}

/// Takes a token into its sequence; whether it is the last one.
fn take(generation: &Generation, sequence: &mut Sequence, token: i64) -> bool {
    sequence.tokens.push(token);
    let length = sequence.tokens.len();
    generation.stop_tokens.contains(&token)
        || length - sequence.prompt == sequence.sampling.max_tokens as usize
        || length >= generation.max_length as usize
}

/// The selected tokens of an execution.
fn selected(outputs: &[Tensor], count: usize) -> Result<Vec<i64>, EngineError> {
    let bytes = outputs.first().map_or(&[][..], Tensor::bytes);
    let tokens: Vec<i64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| i64::from_le_bytes(*word))
        .collect();
    match tokens.len() == count {
        true => Ok(tokens),
        false => Err(failed("it gave another number of tokens than of sequences")),
    }
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed {
        engine: "generation".to_owned(),
        reason: reason.to_owned(),
    }
}
