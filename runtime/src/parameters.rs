//! The parameters: values that governance changes without an upgrade, each within a range.
//!
//! A parameter is changed by `Governance::set_parameter` alone ([`change`]), which refuses a value outside of its range
//! ([`ranges`]) and a value with which a rule between parameters would not hold ([`rules`]). The documentation of each
//! says both; wallets show it. A change applies to what begins after it: jobs, sessions and disputes that go on keep
//! the values under which they began, and so do deposits, locks, bonds and pending slashes.

pub mod change;
pub mod ranges;
pub mod rules;

use crate::{
    units::{DAYS, HOURS, MICROUNIT, MILLIUNIT, MINUTES, UNIT, deposit},
    *,
};
use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use sp_runtime::{FixedU128, Perbill, Perquintill};

/// The parameters by pallet, each with its first value.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
    use super::*;

    /// Terms that jobs may ask for, and costs of failing one.
    #[dynamic_pallet_params]
    #[codec(index = 0)]
    pub mod market {
        /// Minimum number of blocks that a job gives its worker: 10 to an hour, and at most MaxDeadline. An honest
        /// worker waits some ten blocks for finality, and a few for its claim to be included.
        #[codec(index = 0)]
        pub static MinDeadline: BlockNumber = MINUTES;

        /// Maximum number of blocks that a job gives its worker: a minute to four hours, and at least MinDeadline.
        #[codec(index = 1)]
        pub static MaxDeadline: BlockNumber = HOURS;

        /// Minimum number of blocks of a challenge window, of jobs and of sessions: 10 to an hour. A challenger
        /// executes the job in it.
        #[codec(index = 2)]
        pub static MinWindow: BlockNumber = MINUTES;

        /// Maximum number of blocks of a challenge window, of jobs and of sessions: an hour to a day.
        #[codec(index = 3)]
        pub static MaxWindow: BlockNumber = DAYS;

        /// Minimum number of blocks in which bids are committed, and then revealed: 2 to five minutes.
        #[codec(index = 4)]
        pub static MinAuctionPhase: BlockNumber = 5;

        /// Maximum number of blocks in which bids are committed, and then revealed: five minutes to an hour.
        #[codec(index = 5)]
        pub static MaxAuctionPhase: BlockNumber = 10 * MINUTES;

        /// Deposit of a bid that is not revealed yet: 0.001 to 100 tokens. More than the fees of a bid, so that a bid
        /// which is not meant costs something.
        #[codec(index = 6)]
        pub static BidDeposit: Balance = 100 * MILLIUNIT;

        /// Part of the lock that a missed deadline costs: 1 % to 50 %, and at least DeclineSlash.
        #[codec(index = 7)]
        pub static NonDeliverySlash: Perbill = Perbill::from_percent(10);

        /// Part of the lock that declining a job with an inline input costs at least: up to 10 %, and at most
        /// NonDeliverySlash.
        #[codec(index = 8)]
        pub static DeclineSlash: Perbill = Perbill::from_percent(1);

        /// The most that a client gets when the first worker of its job misses the deadline: up to 0.01 tokens, and no
        /// more than a tenth of what weight a submission has costs on a quiet chain (FullCoreFee), which is what it
        /// can show that it lost.
        #[codec(index = 9)]
        pub static MissCompensation: Balance = 20 * MICROUNIT;
    }

    /// Stakes of workers, and the rules by which they get jobs.
    #[dynamic_pallet_params]
    #[codec(index = 1)]
    pub mod workers {
        /// Minimum stake of a worker that takes jobs: 1 to 1,000,000 tokens, and at least StakeFloor.
        #[codec(index = 0)]
        pub static MinStake: Balance = 100 * UNIT;

        /// Stake that a job or a bid locks at least: 0.1 to 1,000 tokens, and at most MinStake. It covers the
        /// transactions of a dispute over the cheapest job.
        #[codec(index = 1)]
        pub static StakeFloor: Balance = UNIT;

        /// Stake that a job locks for each unit of its price: 1 to 100. A wrong result costs a multiple of what it
        /// could earn.
        #[codec(index = 2)]
        pub static StakePerPrice: FixedU128 = FixedU128::from_u32(10);

        /// Blocks until a new offer, or one that is worse for clients than the one before, takes effect: 1 to an hour.
        /// A submission that is seen on its way into a block is in one by then.
        #[codec(index = 3)]
        pub static OfferDelay: BlockNumber = 10;

        /// Blocks that a worker rests after the first job that it held for nothing, twice as many after each further
        /// one: 1 to an hour.
        #[codec(index = 4)]
        pub static RestBlocks: BlockNumber = MINUTES / 2;

        /// Blocks from a conviction until its slash is applied: an hour to a week, and more than AwardBlocks. People
        /// see in this time that a conviction was the chain's own fault, and cancel the slash.
        #[codec(index = 5)]
        pub static SlashDelay: BlockNumber = DAYS;
    }

    /// Costs of a challenge, shares of what is lost, and times. A dispute keeps the values that were
    /// in force when it began.
    #[dynamic_pallet_params]
    #[codec(index = 2)]
    pub mod disputes {
        /// The minimum bond of a challenge: 0.1 to 1,000 tokens, and at least what a challenger gets of the minimum
        /// late fee (LeastLateFee, LateFeeToChallenger). Half of it pays a worker for its statements.
        #[codec(index = 0)]
        pub static LeastBond: Balance = UNIT;

        /// The bond of the first challenge as a part of the lock: 1 % to 25 %, and at least what a challenger gets of
        /// a late fee (LateFee, LateFeeToChallenger).
        #[codec(index = 1)]
        pub static BondPerStake: Perbill = Perbill::from_percent(5);

        /// Part of a lost bond that the worker gets: up to 50 %. The rest is burned.
        #[codec(index = 2)]
        pub static LostBondToWorker: Perbill = Perbill::from_percent(50);

        /// Share of the whole stake that a proved fault costs, in disputes and for an equivocation: 10 % to 100 %. An
        /// honest worker cannot be proved wrong.
        #[codec(index = 3)]
        pub static FaultSlash: Perbill = Perbill::from_percent(50);

        /// The finder's part of a slash: 1 % to 50 %. With SlashToClient it is at most 50 %.
        #[codec(index = 4)]
        pub static SlashToChallenger: Perbill = Perbill::from_percent(30);

        /// The client's part of a slash, of the lock: up to 49 %. With SlashToChallenger it is at most 50 %.
        #[codec(index = 5)]
        pub static SlashToClient: Perbill = Perbill::from_percent(20);

        /// Part of the lock that a late answer costs: up to 50 %.
        #[codec(index = 6)]
        pub static LateFee: Perbill = Perbill::from_percent(10);

        /// Minimum cost of a late answer, as far as the lock goes: up to 1,000 tokens.
        #[codec(index = 7)]
        pub static LeastLateFee: Balance = 3 * UNIT;

        /// The challenger's part of a late fee: up to 50 %. It is no more than the bond that a challenger loses to a
        /// worker that can answer (BondPerStake, LeastBond).
        #[codec(index = 8)]
        pub static LateFeeToChallenger: Perbill = Perbill::from_percent(25);

        /// Blocks that a worker has for all its turns of a game: five minutes to six hours, and at least
        /// LeastTurnBlocks. A worker may be gone for so long and lose nothing.
        #[codec(index = 9)]
        pub static ClockBlocks: BlockNumber = 30 * MINUTES;

        /// Blocks that a challenger has for all its turns of a game: a minute to two hours, and at least
        /// LeastTurnBlocks. It has executed the job before.
        #[codec(index = 10)]
        pub static ChallengerClockBlocks: BlockNumber = 10 * MINUTES;

        /// Blocks that a turn has at least: 15 to fifteen minutes, and at most the clocks. The last turn is finalized
        /// and the answer included in this time.
        #[codec(index = 11)]
        pub static LeastTurnBlocks: BlockNumber = 2 * MINUTES;

        /// Blocks for which the window stays open after the last game of a dispute is lost: a minute to an hour.
        #[codec(index = 12)]
        pub static ReopenBlocks: BlockNumber = 5 * MINUTES;

        /// Blocks for which a worker that was late may still answer: an hour to a day, and at least as long as a game
        /// (ClockBlocks, ChallengerClockBlocks and 22 times LeastTurnBlocks). A worker that comes back can finish it.
        /// All disputes of a full queue end within ten days.
        #[codec(index = 13)]
        pub static LateAnswerBlocks: BlockNumber = DAYS;

        /// Blocks after a conviction in which finders claim its award: half an hour to six days, and less than
        /// SlashDelay.
        #[codec(index = 14)]
        pub static AwardBlocks: BlockNumber = 12 * HOURS;

        /// Price of 10^9 units of work, of which the bond covers two executions: 0.000001 to 1 token. A core does them
        /// in some 20 ms.
        #[codec(index = 15)]
        pub static WorkPrice: Balance = 20 * MICROUNIT;
    }

    /// Length of sessions, and their security.
    #[dynamic_pallet_params]
    #[codec(index = 3)]
    pub mod sessions {
        /// Blocks that a worker has for its last voucher: five minutes to six hours. A session keeps the value that
        /// was in force when it was opened.
        #[codec(index = 0)]
        pub static ClosingBlocks: BlockNumber = 30 * MINUTES;

        /// Maximum number of blocks for which a session is open: an hour to two days.
        #[codec(index = 1)]
        pub static MaxSessionBlocks: BlockNumber = DAYS;

        /// Minimum lock of a session offer, in hundredths of the budget: 10 to 1,000.
        #[codec(index = 2)]
        pub static MinLockPercent: u32 = 100;
    }

    /// Deposit for registering a model until it is removed. A deposit that is held changes with the model's next
    /// version or owner.
    #[dynamic_pallet_params]
    #[codec(index = 4)]
    pub mod models {
        /// Deposit for each version of a model: 0.001 to 1,000 tokens.
        #[codec(index = 0)]
        pub static DepositPerVersion: Balance = deposit(3, 0);

        /// Deposit for each byte of a model's versions: up to 0.1 tokens.
        #[codec(index = 1)]
        pub static DepositPerByte: Balance = deposit(0, 1);
    }

    /// Prices of transactions.
    #[dynamic_pallet_params]
    #[codec(index = 5)]
    pub mod fees {
        /// Price of all that a core can do in a relay chain block, when the chain is quiet: 0.01 to 1,000 tokens. A
        /// transfer comes to about a two-thousandth of it. A tenth of a submission's part is at least
        /// MissCompensation.
        #[codec(index = 0)]
        pub static FullCoreFee: Balance = 2 * UNIT;

        /// Price of a transaction's byte: 0.00000001 to 0.001 tokens. Every full node keeps it.
        #[codec(index = 1)]
        pub static ByteFee: Balance = MICROUNIT;

        /// Part of what blocks have room for at which fees stay as they are: 5 % to 75 %.
        #[codec(index = 2)]
        pub static TargetFullness: Perquintill = Perquintill::from_percent(25);

        /// Speed with which fees follow the use of blocks: 0.02 to 0.5. At 0.1 a full block raises them by 7.8 %, and
        /// thirty of them tenfold, so that nobody can afford to keep others out for as long as a deadline.
        #[codec(index = 3)]
        pub static FeeSpeed: FixedU128 = FixedU128::from_rational(1, 10);

        /// The minimum of the fee multiplier: 0.1 to 100. Filling blocks is never cheaper than that.
        #[codec(index = 4)]
        pub static MinimumMultiplier: FixedU128 = FixedU128::from_u32(1);
    }

    /// When a block counts as full, and what the lane for urgent calls costs.
    #[dynamic_pallet_params]
    #[codec(index = 6)]
    pub mod time {
        /// Share of what calls may use of a block from which the block is full, and does not count as time: 50 % to
        /// 90 %.
        #[codec(index = 0)]
        pub static FullShare: Perbill = Perbill::from_percent(75);

        /// Share of a block by urgent calls at which the lane's price stays as it is: 5 % to 50 %.
        #[codec(index = 1)]
        pub static LaneTarget: Perbill = Perbill::from_percent(25);

        /// Speed with which the lane's price follows its use: 2 % to 50 %.
        #[codec(index = 2)]
        pub static LaneSpeed: Perbill = Perbill::from_percent(10);
    }

    /// The way in which decisions are carried out.
    #[dynamic_pallet_params]
    #[codec(index = 7)]
    pub mod governance {
        /// Blocks from a decision of the committee until it is carried out: an hour to two weeks. A decision that was
        /// taken keeps its block.
        #[codec(index = 0)]
        pub static EnactmentBlocks: BlockNumber = DAYS;
    }

    /// Share of claims that are audited, and what pays for it. The first values draw no claim: governance raises them
    /// once the chain has workers that audit. A claim that is sealed keeps the chance that it had then.
    #[dynamic_pallet_params]
    #[codec(index = 8)]
    pub mod audits {
        /// Minimum part of a settlement that pays for audits: up to 20 %.
        #[codec(index = 0)]
        pub static Levy: Perbill = Perbill::from_percent(5);

        /// Pay of an auditor in hundredths of the price of one execution: 50 to 200.
        #[codec(index = 1)]
        pub static AuditFee: u32 = 125;

        /// Expected audits of a claim at the full price by a worker with a record: up to 50 %, and at most
        /// NewcomerShare. docs/economics.md asks for 3 %.
        #[codec(index = 2)]
        pub static AuditShare: Perbill = Perbill::from_percent(0);

        /// The same of a new worker: up to 100 %, and at least AuditShare. docs/economics.md asks for 50 %.
        #[codec(index = 3)]
        pub static NewcomerShare: Perbill = Perbill::from_percent(0);

        /// Expected audits of a claim whose price is all that its worker has at risk, in thousandths: up to 20,000.
        /// docs/economics.md asks for 4,000.
        #[codec(index = 4)]
        pub static AuditWeight: u32 = 0;

        /// Chance that an audit has a second auditor: up to 50 %.
        #[codec(index = 5)]
        pub static SecondShare: Perbill = Perbill::from_percent(10);

        /// Price from which the share of claims does not grow any more: 0.0001 to 1,000 tokens.
        #[codec(index = 6)]
        pub static FullPrice: Balance = 10 * MILLIUNIT;

        /// Blocks that an auditor has for the seal of its answer: a minute to an hour. It executes the job in it.
        #[codec(index = 7)]
        pub static AnswerBlocks: BlockNumber = 15 * MINUTES;

        /// Blocks that auditors have to open their answers, from the claim on: a minute to half an hour.
        #[codec(index = 8)]
        pub static OpenBlocks: BlockNumber = 10 * MINUTES;

        /// Part of its lock that an auditor loses which does not answer: 1 % to 50 %.
        #[codec(index = 9)]
        pub static AuditMissCost: Perbill = Perbill::from_percent(10);
    }
}

/// The parameter with which the SDK measures what a change costs.
#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
    fn default() -> Self {
        use dynamic_params::workers::{MinStake, Parameters};
        Self::Workers(Parameters::MinStake(MinStake, Some(200 * UNIT)))
    }
}
