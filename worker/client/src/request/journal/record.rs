//! Content of a journal: where a request stands after its last whole line.

use super::{Entry, Header, JobEvent, JournalError, entry::parse_digest};
use crate::{
    chain::{BlockNumber, H256, JobRequest},
    request::{
        Prepared,
        numbers::Numbers,
        tracker::{Moment, Tracker},
    },
};
use assay_types::{JobId, JobInput, Payload};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The jobs that were to be submitted.
    pub header: Header,
    /// The jobs whose numbers are known, by the positions of their inputs, and a block by which they are on chain.
    pub jobs: BTreeMap<usize, (JobId, BlockNumber)>,
    /// Jobs whose numbers finalized blocks have confirmed.
    pub confirmed: BTreeSet<JobId>,
    /// Inputs whose jobs were sent and of which nothing more is known, and the block after which they were sent.
    pub unknown: BTreeMap<usize, BlockNumber>,
    /// Events of the jobs.
    pub events: Vec<(BlockNumber, JobEvent)>,
    /// The last finalized block that was read.
    pub followed: BlockNumber,
}

impl Record {
    /// Reads the lines of a journal, and says how many bytes its whole lines have.
    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<(Self, usize), JournalError> {
        let damaged = |line: usize, reason: String| JournalError::Damaged {
            path: path.to_owned(),
            line,
            reason,
        };
        let mut record: Option<Self> = None;
        let mut whole = 0;
        for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            // What does not end in a line's end was cut off: a line is written at once, its end last.
            let entry = match line.strip_suffix(b"\n") {
                None => break,
                Some(text) => serde_json::from_slice(text),
            };
            let is_last = whole + line.len() == bytes.len();
            match (entry, &mut record) {
                (Ok(Entry::Request(header)), None) => record = Some(Self::begin(header)),
                (Ok(entry), Some(record)) => record.take(entry),
                (Ok(_), None) => return Err(damaged(index + 1, "it does not begin with the request".into())),
                // A disk may keep the end of a line and lose what is before it.
                (Err(_), Some(_)) if is_last => break,
                (Err(error), _) => return Err(damaged(index + 1, error.to_string())),
            }
            whole += line.len();
        }
        let record = record.ok_or_else(|| damaged(1, "nothing was submitted before it ended".into()))?;
        Ok((record, whole))
    }

    fn begin(header: Header) -> Self {
        Self {
            followed: header.after,
            header,
            jobs: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            unknown: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            // A journal has one, the first line.
            Entry::Request(_) => {}
            Entry::Sending { inputs, after } => {
                self.unknown.extend(inputs.into_iter().map(|input| (input, after)));
            }
            Entry::NotSent { inputs } => inputs.iter().for_each(|input| {
                self.unknown.remove(input);
            }),
            Entry::Submitted { jobs, by } => {
                for (input, job) in jobs {
                    self.unknown.remove(&input);
                    self.jobs.insert(input, (job, by));
                }
            }
            Entry::Confirmed { jobs } => self.confirmed.extend(jobs),
            Entry::Event { block, event } => self.events.push((block, event)),
            Entry::Followed { block } => self.followed = self.followed.max(block),
        }
    }

    /// The input that a job was made of.
    pub fn input_of(&self, job: JobId) -> Option<usize> {
        self.jobs
            .iter()
            .find(|(_, (number, _))| *number == job)
            .map(|(input, _)| *input)
    }

    /// Which input has which job.
    pub fn numbers(&self) -> Numbers {
        let digests = self.header.inputs.iter();
        let digests = digests.map(|input| parse_digest(&input.digest).unwrap_or_default());
        let mut numbers = Numbers::new(digests.collect());
        for (input, after) in &self.unknown {
            numbers.sending(&[*input], *after);
        }
        for (input, (job, by)) in &self.jobs {
            numbers.placed(&[(*input, *job)], *by);
            if self.confirmed.contains(job) {
                numbers.confirm(*job);
            }
        }
        numbers.take_confirmed();
        numbers
    }

    /// The stories of the jobs, as far as they were read.
    pub fn tracker(&self) -> Option<Tracker> {
        let client = self.header.client()?;
        let mut tracker = Tracker::new(client.clone());
        let at = |block| Moment {
            block,
            seen: Instant::now(),
        };
        let by_offer = self.header.terms.terms()?.is_by_offer();
        for (job, by) in self.jobs.values() {
            tracker.begin(*job, at(*by));
            if by_offer {
                tracker.set_by_offer(*job);
            }
        }
        for (block, event) in &self.events {
            if let Some(event) = event.to_chain(&client) {
                tracker.take(&event, at(*block));
            }
        }
        Some(tracker)
    }

    /// The jobs again, from the header and the bytes of the inputs; `None` if the journal was changed by hand.
    pub fn prepared(&self, inputs: Vec<Vec<u8>>) -> Option<Vec<Prepared>> {
        let terms = self.header.terms.terms()?;
        let jobs = self.header.inputs.iter().zip(inputs).map(|(line, bytes)| {
            let symbols = line.symbols.clone();
            let digest: H256 = parse_digest(&line.digest)?;
            let input = if terms.by_digest {
                JobInput::Digest { digest, symbols }
            } else {
                JobInput::Inline(Payload {
                    symbols,
                    bytes: bytes.clone(),
                })
            };
            Some(Prepared {
                name: line.name.clone(),
                label: line.label,
                request: JobRequest {
                    model: self.header.model(),
                    input,
                    ceiling: terms.ceiling,
                    matching: terms.matching,
                    deadline_blocks: terms.deadline_blocks,
                    window_blocks: terms.window_blocks,
                    delivery: terms.delivery,
                },
                digest,
                bytes,
            })
        });
        jobs.collect()
    }
}
