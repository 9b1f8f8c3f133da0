//! Bounds on everything that a caller can make the chain store or loop over.

use polkadot_sdk::sp_core::ConstU32;

/// Dimensions of one tensor.
pub const MAX_RANK: u32 = 8;
/// Tensors that a model takes, and tensors that it gives.
pub const MAX_TENSORS: u32 = 16;
/// Dynamic dimensions of a model.
pub const MAX_SYMBOLS: u32 = 8;
/// Bytes of a model's or a tensor's name, UTF-8.
pub const MAX_NAME_BYTES: u32 = 64;
/// Bytes of an input that travels in the extrinsic. A larger one is submitted by its digest.
pub const MAX_INLINE_INPUT_BYTES: u32 = 64 * 1024;
/// Bytes of an output that is returned in the claim.
pub const MAX_INLINE_OUTPUT_BYTES: u32 = 16 * 1024;
/// Workers that may try one job before it is refunded.
pub const MAX_ATTEMPTS: u32 = 4;
/// Bids on one job.
pub const MAX_BIDS: u32 = 32;
/// Offers in the book of one model version; a cheaper offer displaces the most expensive one of a full book.
pub const MAX_OFFERS_PER_MODEL: u32 = 32;
/// Offers of one worker.
pub const MAX_OFFERS_PER_WORKER: u32 = 32;
/// Pieces of stake that one worker may have unbonding at a time.
pub const MAX_UNBONDING: u32 = 8;
/// Versions of one model.
pub const MAX_VERSIONS: u32 = 64;
/// The last session that has a number.
pub const MAX_SESSIONS: u64 = (1 << 39) - 1;
/// The last request of a session; a client opens another session then.
pub const MAX_SEQUENCE: u32 = (1 << 24) - 1;
/// Session offers of one worker.
pub const MAX_SESSION_OFFERS: u32 = 32;
/// Bytes of a peer's identity in the workers' network; those of an Ed25519 key take 38.
pub const MAX_PEER_BYTES: u32 = 64;
/// Bytes of an address in the workers' network.
pub const MAX_ADDRESS_BYTES: u32 = 128;
/// Addresses that a worker announces.
pub const MAX_ADDRESSES: u32 = 8;
/// Items in one batch call, and jobs on one page of the market's agenda.
pub const MAX_BATCH: u32 = 64;
/// Jobs in one call that does what is due for each: a step can be the end of an auction with all its bids.
pub const MAX_STEPS: u32 = 4;
/// Seeds and audits that the claims of one batch may look up: the blocks in which they were sealed, and the audited
/// claims among them. A worker seals many claims in a block.
pub const MAX_DRAWS: u32 = 16;
/// Jobs that one page of an answer of the runtime API lists.
pub const MAX_LISTED_JOBS: u32 = 1_024;
/// Jobs that the runtime API examines for one page.
pub const MAX_EXAMINED_JOBS: u32 = 16 * 1_024;

/// Bound of a shape.
pub type Rank = ConstU32<MAX_RANK>;
/// Bound of a list of tensors.
pub type Tensors = ConstU32<MAX_TENSORS>;
/// Bound of a list of dynamic dimensions.
pub type Symbols = ConstU32<MAX_SYMBOLS>;
/// Bound of a name.
pub type NameBytes = ConstU32<MAX_NAME_BYTES>;
/// Bound of an inline input.
pub type InlineInputBytes = ConstU32<MAX_INLINE_INPUT_BYTES>;
/// Bound of an inline output.
pub type InlineOutputBytes = ConstU32<MAX_INLINE_OUTPUT_BYTES>;
/// Bound of the workers that tried a job.
pub type Attempts = ConstU32<MAX_ATTEMPTS>;
/// Bound of the bids on a job.
pub type Bids = ConstU32<MAX_BIDS>;
/// Bound of an offer book.
pub type OffersPerModel = ConstU32<MAX_OFFERS_PER_MODEL>;
/// Bound of a worker's offers.
pub type OffersPerWorker = ConstU32<MAX_OFFERS_PER_WORKER>;
/// Bound of a worker's session offers.
pub type SessionOffers = ConstU32<MAX_SESSION_OFFERS>;
/// Bound of the pieces of stake that unbond.
pub type Unbonding = ConstU32<MAX_UNBONDING>;
/// Bound of a peer's identity.
pub type PeerBytes = ConstU32<MAX_PEER_BYTES>;
/// Bound of an address.
pub type AddressBytes = ConstU32<MAX_ADDRESS_BYTES>;
/// Bound of a worker's addresses.
pub type Addresses = ConstU32<MAX_ADDRESSES>;
/// Bound of a batch.
pub type Batch = ConstU32<MAX_BATCH>;
/// Bound of a batch of steps.
pub type Steps = ConstU32<MAX_STEPS>;
