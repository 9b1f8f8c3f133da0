//! Which input has which job: numbers that are learned when a transaction is in a block, lost, found, and final.
//!
//! A number that was learned from a block that is not final may change, since the block may be replaced.
//! Only finalized blocks say which jobs a client has.
//! A job that they show and that no input has belongs to the first input of the same digest that was sent and has no
//! final number.

use crate::chain::{BlockNumber, H256};
use assay_types::JobId;
use std::collections::BTreeSet;

/// Blocks after which a transaction that was about to be sent can no longer be included.
///
/// It lives for 64 blocks from the block that it is signed at, which is at most 64 blocks after the one at which it was
/// about to be sent.
pub const EXPIRY_BLOCKS: BlockNumber = 128;

/// Where an input stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// It was not sent.
    Unsent,
    /// It was sent after this block, and its number is not known.
    Sent { after: BlockNumber },
    /// It has this job, in this block or an earlier one.
    Placed { job: JobId, by: BlockNumber },
    /// It has this job, as finalized blocks say.
    Final { job: JobId },
}

/// Which input has which job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    digests: Vec<H256>,
    slots: Vec<Slot>,
    /// Jobs of the client in finalized blocks that no input has.
    spare: Vec<(JobId, H256)>,
    /// Jobs of the client that belong to other requests.
    others: BTreeSet<JobId>,
    /// Jobs whose numbers have become final since somebody asked.
    confirmed: Vec<JobId>,
}

impl Numbers {
    /// Of inputs with these digests, none of which was sent.
    pub fn new(digests: Vec<H256>) -> Self {
        Self {
            slots: vec![Slot::Unsent; digests.len()],
            digests,
            spare: Vec::new(),
            others: BTreeSet::new(),
            confirmed: Vec::new(),
        }
    }

    /// Jobs that belong to other requests are not taken.
    pub fn exclude(&mut self, jobs: impl IntoIterator<Item = JobId>) {
        self.others.extend(jobs);
    }

    /// Inputs are about to be sent.
    pub fn sending(&mut self, inputs: &[usize], after: BlockNumber) {
        self.set(inputs.iter().map(|input| (*input, Slot::Sent { after })));
    }

    /// Inputs were not sent, or can no longer be included.
    pub fn not_sent(&mut self, inputs: &[usize]) {
        self.set(inputs.iter().map(|input| (*input, Slot::Unsent)));
    }

    /// Inputs have these jobs, in this block or an earlier one.
    pub fn placed(&mut self, jobs: &[(usize, JobId)], by: BlockNumber) {
        for (input, job) in jobs {
            let known = self.slots.get(*input) == Some(&Slot::Final { job: *job });
            if known {
                continue;
            }
            // Finalized blocks may have shown it before the transaction's own outcome was known.
            let shown = self.spare.iter().position(|(spare, _)| spare == job);
            let slot = match shown {
                Some(position) => {
                    self.spare.remove(position);
                    self.confirmed.push(*job);
                    Slot::Final { job: *job }
                }
                None => Slot::Placed { job: *job, by },
            };
            self.set([(*input, slot)]);
        }
    }

    /// The number of an input's job is that of a finalized block.
    pub fn confirm(&mut self, job: JobId) {
        let is_placed = |slot: &Slot| matches!(slot, Slot::Placed { job: known, .. } if *known == job);
        if let Some(input) = self.slots.iter().position(is_placed) {
            self.slots[input] = Slot::Final { job };
            self.confirmed.push(job);
        }
    }

    /// A finalized block has this job of the client.
    pub fn show(&mut self, job: JobId, digest: H256) {
        if self.others.contains(&job) || self.input_of_final(job).is_some() {
            return;
        }
        match self.input_of(job) {
            Some(input) if self.digests.get(input) == Some(&digest) => self.confirm(job),
            _ => self.spare.push((job, digest)),
        }
    }

    /// All of a finalized block was shown: gives the inputs that have got a number, or another one.
    pub fn end_of_block(&mut self, block: BlockNumber) -> Vec<(usize, JobId)> {
        let mut found = Vec::new();
        for input in 0..self.slots.len() {
            let lost = match self.slots[input] {
                Slot::Sent { .. } => true,
                // Its block is final, and the job was not in it.
                Slot::Placed { by, .. } => by <= block,
                Slot::Unsent | Slot::Final { .. } => false,
            };
            let digest = self.digests[input];
            let spare = self.spare.iter().position(|(_, shown)| *shown == digest);
            if let (true, Some(position)) = (lost, spare) {
                let (job, _) = self.spare.remove(position);
                self.slots[input] = Slot::Final { job };
                self.confirmed.push(job);
                found.push((input, job));
            }
        }
        found
    }

    /// The jobs whose numbers have become final since the last time.
    pub fn take_confirmed(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.confirmed)
    }

    /// Inputs that are to be sent.
    pub fn unsent(&self) -> Vec<usize> {
        self.filter(|slot| slot == Slot::Unsent)
    }

    /// Inputs that were sent, and whose numbers are not known.
    pub fn unknown(&self) -> Vec<usize> {
        self.filter(|slot| matches!(slot, Slot::Sent { .. }))
    }

    /// Inputs that were sent so long before this block that they are not on chain and never will be.
    pub fn expired(&self, block: BlockNumber) -> Vec<usize> {
        self.filter(|slot| matches!(slot, Slot::Sent { after } if block > after.saturating_add(EXPIRY_BLOCKS)))
    }

    /// The first block in which the job of an input whose number is not known can be.
    pub fn unknown_since(&self) -> Option<BlockNumber> {
        let blocks = self.slots.iter().filter_map(|slot| match slot {
            Slot::Sent { after } => Some(*after),
            _ => None,
        });
        blocks.min()
    }

    /// The job of an input.
    pub fn job_of(&self, input: usize) -> Option<JobId> {
        match self.slots.get(input)? {
            Slot::Placed { job, .. } | Slot::Final { job } => Some(*job),
            Slot::Unsent | Slot::Sent { .. } => None,
        }
    }

    /// The input of a job.
    pub fn input_of(&self, job: JobId) -> Option<usize> {
        (0..self.slots.len()).find(|input| self.job_of(*input) == Some(job))
    }

    /// All inputs that have a job.
    pub fn jobs(&self) -> Vec<(usize, JobId)> {
        (0..self.slots.len())
            .filter_map(|input| Some((input, self.job_of(input)?)))
            .collect()
    }

    fn input_of_final(&self, job: JobId) -> Option<usize> {
        self.slots.iter().position(|slot| *slot == Slot::Final { job })
    }

    fn filter(&self, keep: impl Fn(Slot) -> bool) -> Vec<usize> {
        (0..self.slots.len()).filter(|input| keep(self.slots[*input])).collect()
    }

    fn set(&mut self, changes: impl IntoIterator<Item = (usize, Slot)>) {
        for (input, slot) in changes {
            if let Some(place) = self.slots.get_mut(input) {
                *place = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> H256 {
        H256::repeat_byte(byte)
    }

    fn numbers(digests: &[u8]) -> Numbers {
        Numbers::new(digests.iter().map(|byte| digest(*byte)).collect())
    }

    #[test]
    fn lost_numbers_are_found_by_their_inputs_digests_in_order() {
        let mut numbers = numbers(&[1, 2, 1, 3]);
        numbers.sending(&[0, 1, 2], 10);
        for (job, byte) in [(7, 1), (8, 2), (9, 1), (10, 9)] {
            numbers.show(job, digest(byte));
        }
        assert_eq!(numbers.end_of_block(11), [(0, 7), (1, 8), (2, 9)]);
        assert_eq!(numbers.end_of_block(12), []);
        assert_eq!((numbers.unsent(), numbers.unknown()), (vec![3], vec![]));
    }

    #[test]
    fn a_job_of_another_request_is_not_taken() {
        let mut numbers = numbers(&[1]);
        numbers.exclude([7]);
        numbers.sending(&[0], 10);
        numbers.show(7, digest(1));
        assert_eq!(numbers.end_of_block(11), []);
        numbers.show(8, digest(1));
        assert_eq!(numbers.end_of_block(12), [(0, 8)]);
    }

    #[test]
    fn a_number_from_a_block_that_was_replaced_gives_way_to_the_final_one() {
        let mut numbers = numbers(&[1]);
        numbers.sending(&[0], 10);
        numbers.placed(&[(0, 7)], 12);
        // In block 11 the job is not there yet, and in block 12 it has another number.
        assert_eq!(numbers.end_of_block(11), []);
        numbers.show(9, digest(1));
        assert_eq!(numbers.end_of_block(12), [(0, 9)]);
        assert_eq!((numbers.input_of(7), numbers.input_of(9)), (None, Some(0)));
    }

    #[test]
    fn a_number_that_finalized_blocks_confirm_stays() {
        let mut numbers = numbers(&[1, 1]);
        numbers.sending(&[0, 1], 10);
        numbers.placed(&[(0, 7), (1, 8)], 12);
        numbers.show(7, digest(1));
        numbers.show(8, digest(1));
        numbers.show(9, digest(1));
        assert_eq!(numbers.end_of_block(12), []);
        assert_eq!(numbers.jobs(), [(0, 7), (1, 8)]);
    }

    #[test]
    fn what_finalized_blocks_show_before_the_transaction_s_own_outcome_is_the_same_job() {
        let mut numbers = numbers(&[1, 1]);
        numbers.sending(&[0, 1], 10);
        numbers.show(7, digest(1));
        numbers.show(8, digest(1));
        assert_eq!(numbers.end_of_block(12), [(0, 7), (1, 8)]);
        numbers.placed(&[(0, 7), (1, 8)], 12);
        assert_eq!(numbers.end_of_block(13), []);
        assert_eq!(numbers.jobs(), [(0, 7), (1, 8)]);
    }

    #[test]
    fn what_was_sent_is_given_up_only_when_it_cannot_be_included_any_more() {
        let mut numbers = numbers(&[1]);
        numbers.sending(&[0], 10);
        assert!(numbers.expired(10 + EXPIRY_BLOCKS).is_empty());
        assert_eq!(numbers.expired(11 + EXPIRY_BLOCKS), [0]);
        numbers.not_sent(&[0]);
        assert_eq!(numbers.unsent(), [0]);
    }
}
