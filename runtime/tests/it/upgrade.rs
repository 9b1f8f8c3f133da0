//! An upgrade from version 1 in the middle of everything: jobs in every phase, sessions, and disputes at every place.
//! Nothing is lost: no money, no time, no game.

use crate::{
    chain::{in_first_block, pass},
    scene::{applied, assigned, claim, offered, origin, session, submitted, voucher_of},
};
use assay_adversary::{InMemory, Random, graphs};
use assay_player::statement;
use assay_runtime::{
    AccountId, Balance, Balances, BlockNumber, Disputes, Executive, Governance, Header, Market, Migrations, Runtime,
    Sessions, System, Time, Workers, check_invariants,
    parameters::dynamic_params::disputes::{ChallengerClockBlocks, ClockBlocks},
    units::{MINUTES, UNIT},
};
use assay_types::{
    H256, HostBlake2, JobId, Matching, Phase, SessionId, bid_commitment,
    dispute::{Place, Side},
    session::SessionPhase,
};
use codec::Compact;
use pallet_disputes::migrations::{DisputeV1, v1};
use polkadot_sdk::{
    frame_support::{
        assert_ok,
        migrations::MultiStepMigrator,
        storage::unhashed,
        traits::{Get, GetStorageVersion, Hooks, StorageVersion},
        weights::Weight,
    },
    frame_system::{self, LastRuntimeUpgrade, LastRuntimeUpgradeInfo},
    pallet_balances::AccountData,
    sp_core::{Pair as _, sr25519::Pair},
    sp_io::hashing::twox_128,
    sp_keyring::Sr25519Keyring::{self, Bob, Charlie, Dave, Eve, Ferdie},
    sp_runtime::{
        ExtrinsicInclusionMode,
        traits::{BlockNumberProvider, Header as _},
    },
    staging_xcm::latest::{NetworkId, WESTEND_GENESIS_HASH},
};
use std::collections::BTreeMap;

/// The worker's clock as governance had set it in version 1.
const CLOCK: BlockNumber = 20 * MINUTES;
const SALT: [u8; 32] = [5; 32];
const TENSOR: Place = Place::Tensor { operator: 2 };

const fn chunk(chunk: u64) -> Place {
    Place::Chunk { operator: 2, chunk }
}

/// Jobs and sessions, each in the middle of something.
struct Story {
    bidding: JobId,
    revealing: JobId,
    assigned: JobId,
    claimed: JobId,
    /// Disputed, and its worker is late.
    late: JobId,
    /// Disputed; the worker owes the trace.
    at_trace: JobId,
    /// Disputed by Dave, who points into the trace, and by Eve, who waits for a tensor.
    at_tensor: JobId,
    /// Disputed by Dave, who points into a tensor, by Eve, who waits for a chunk, and by Ferdie, who may prove.
    at_chunk: JobId,
    /// Disputed; the worker has the others to answer first.
    waiting: JobId,
    open: SessionId,
    closing: SessionId,
    settled: SessionId,
}

fn key(seed: u8) -> Pair {
    Pair::from_seed(&[seed; 32])
}

/// Free and held together.
fn balance(who: Sr25519Keyring) -> Balance {
    let account = who.to_account_id();
    Balances::free_balance(&account) + Balances::reserved_balance(&account)
}

fn challenge(who: Sr25519Keyring, job: JobId) {
    assert_ok!(Disputes::challenge(origin(who), job, H256::zero()));
}

fn reveal(execution: &InMemory, job: JobId, place: Place) {
    let said = statement(execution, &place).expect("it is in memory");
    assert_ok!(Disputes::reveal(origin(Bob), job, Box::new(said)));
}

fn point(who: Sr25519Keyring, job: JobId, place: Place, entry: u32) {
    assert_ok!(Disputes::point(origin(who), job, place, entry));
}

fn timeout(who: Sr25519Keyring, job: JobId) {
    assert_ok!(Disputes::claim_timeout(origin(Bob), job, who.to_account_id()));
}

/// A job that Bob has claimed.
fn claimed(execution: &InMemory) -> JobId {
    let job = assigned(execution);
    applied(Bob, claim(job, execution));
    job
}

/// A job that finds its worker by an auction.
fn auctioned(execution: &InMemory) -> JobId {
    submitted(
        execution,
        Matching::Auction {
            bidding_blocks: 5,
            reveal_blocks: 5 * MINUTES,
        },
    )
}

/// Has everything happen that can be in the middle of happening.
fn tell(honest: &InMemory) -> Story {
    let late = claimed(honest);
    challenge(Dave, late);
    pass(<ClockBlocks as Get<BlockNumber>>::get() + 1);
    timeout(Dave, late);

    let [at_trace, at_tensor, at_chunk, waiting] = [(); 4].map(|()| claimed(honest));
    challenge(Dave, at_trace);
    for (job, others) in [(at_tensor, &[Eve][..]), (at_chunk, &[Eve, Ferdie][..])] {
        challenge(Dave, job);
        others.iter().for_each(|who| challenge(*who, job));
        reveal(honest, job, Place::Trace);
        others.iter().for_each(|who| point(*who, job, Place::Trace, 2));
    }
    reveal(honest, at_chunk, TENSOR);
    point(Dave, at_chunk, Place::Trace, 2);
    point(Eve, at_chunk, TENSOR, 0);
    point(Ferdie, at_chunk, TENSOR, 1);
    reveal(honest, at_chunk, chunk(1));
    challenge(Dave, waiting);

    let revealing = auctioned(honest);
    let bid = bid_commitment::<HostBlake2, _, Balance>(revealing, &Bob.to_account_id(), &UNIT, &SALT);
    assert_ok!(Market::commit_bid(origin(Bob), revealing, bid));
    pass(7);
    let [open, closing, settled] = [1, 2, 3].map(|seed| session(&key(seed)));
    assert_ok!(Sessions::close(origin(Charlie), closing, None));
    assert_ok!(Sessions::close(origin(Bob), settled, None));
    Story {
        bidding: auctioned(honest),
        revealing,
        assigned: assigned(honest),
        claimed: claimed(honest),
        late,
        at_trace,
        at_tensor,
        at_chunk,
        waiting,
        open,
        closing,
        settled,
    }
}

/// Checks that the story stands where its fields say.
fn check_phases(story: &Story) {
    let phase = |job| Market::job(job).expect("it is open").state.phase();
    assert_eq!(phase(story.bidding), Phase::Bidding);
    assert_eq!(phase(story.revealing), Phase::Revealing);
    assert_eq!(phase(story.assigned), Phase::Assigned);
    assert_eq!(phase(story.claimed), Phase::Claimed);
    for job in [
        story.late,
        story.at_trace,
        story.at_tensor,
        story.at_chunk,
        story.waiting,
    ] {
        assert_eq!(phase(job), Phase::Disputed);
    }
    let places = |job| -> Vec<(Place, Side)> {
        let games = Disputes::dispute(job).expect("it lasts").games;
        games.iter().map(|game| (game.place, game.turn)).collect()
    };
    let (worker, challenger) = (Side::Worker, Side::Challenger);
    assert_eq!(places(story.at_trace), [(Place::Trace, worker)]);
    assert_eq!(places(story.at_tensor), [(Place::Trace, challenger), (TENSOR, worker)]);
    assert_eq!(
        places(story.at_chunk),
        [(TENSOR, challenger), (chunk(0), worker), (chunk(1), challenger)]
    );
    assert!(Disputes::dispute(story.late).expect("it lasts").late_until.is_some());
    assert!(Disputes::dispute(story.waiting).expect("it lasts").waits);
    let session = |id| Sessions::session(id).expect("it lasts").state.phase();
    assert_eq!(session(story.open), SessionPhase::Open);
    assert_eq!(session(story.closing), SessionPhase::Closing);
    assert_eq!(session(story.settled), SessionPhase::Settled);
}

/// Everything that the chain keeps of money, jobs, sessions and disputes.
#[derive(Debug, PartialEq)]
struct Kept {
    money: BTreeMap<AccountId, AccountData<Balance>>,
    jobs: BTreeMap<JobId, pallet_market::JobOf<Runtime>>,
    sessions: BTreeMap<SessionId, pallet_sessions::SessionOf<Runtime>>,
    disputes: BTreeMap<JobId, pallet_disputes::DisputeOf<Runtime>>,
    issuance: Balance,
}

fn kept() -> Kept {
    let accounts = frame_system::Account::<Runtime>::iter();
    Kept {
        money: accounts.map(|(who, account)| (who, account.data)).collect(),
        jobs: pallet_market::Jobs::<Runtime>::iter().collect(),
        sessions: pallet_sessions::Sessions::<Runtime>::iter().collect(),
        disputes: pallet_disputes::Disputes::<Runtime>::iter().collect(),
        issuance: Balances::total_issuance(),
    }
}

/// Puts the state back to what version 1 would have stored.
fn back_to_version_1() {
    for (claim, dispute) in kept().disputes {
        let stored = DisputeV1 {
            id: dispute.id,
            worker: dispute.worker,
            client: dispute.client,
            version: dispute.version,
            locked: dispute.locked,
            committed: dispute.committed,
            trace: dispute.trace,
            waits: dispute.waits,
            late_until: dispute.late_until,
            games: dispute.games,
        };
        v1::Disputes::<Runtime>::insert(claim, stored);
    }
    StorageVersion::new(1).put::<Disputes>();
    pallet_governance::RelayNetwork::<Runtime>::kill();
    unhashed::put(&twox_128(b":ClockBlocks:"), &CLOCK);
    LastRuntimeUpgrade::<Runtime>::put(LastRuntimeUpgradeInfo {
        spec_version: Compact(1),
        spec_name: "assay".into(),
    });
}

/// Ends this block, opens the next one and applies its inherents; whether it takes calls.
fn next_block_takes_calls() -> bool {
    let number = System::block_number();
    Time::on_finalize(number);
    let parent = H256::from_low_u64_be(number.into());
    let header = Header::new(number + 1, H256::zero(), H256::zero(), parent, Default::default());
    let mode = Executive::initialize_block(&header);
    Executive::inherents_applied();
    matches!(mode, ExtrinsicInclusionMode::AllExtrinsics)
}

/// Plays everything to its end: the worker answers, and the challengers have nothing more to say.
fn play_on(story: &Story, honest: &InMemory) {
    assert_ok!(Market::reveal_bid(origin(Bob), story.revealing, UNIT, SALT));
    for job in [story.revealing, story.assigned] {
        applied(Bob, claim(job, honest));
    }
    for (session, seed, owed) in [(story.open, 1, UNIT), (story.closing, 2, 2 * UNIT)] {
        assert_ok!(Sessions::redeem(origin(Bob), voucher_of(session, owed, &key(seed))));
    }
    let trace = statement(honest, &Place::Trace).expect("it is in memory");
    assert_ok!(Disputes::answer_late(origin(Bob), story.late, Box::new(trace)));
    reveal(honest, story.at_trace, Place::Trace);
    reveal(honest, story.at_tensor, TENSOR);
    reveal(honest, story.at_chunk, chunk(0));
    assert_ok!(check_invariants());

    let clock = <ChallengerClockBlocks as Get<BlockNumber>>::get();
    pass(clock + 1);
    for job in [story.late, story.at_trace, story.at_tensor, story.at_chunk] {
        timeout(Dave, job);
    }
    for (who, job) in [(Eve, story.at_tensor), (Eve, story.at_chunk), (Ferdie, story.at_chunk)] {
        timeout(who, job);
    }
    reveal(honest, story.waiting, Place::Trace);
    pass(clock + 1);
    timeout(Dave, story.waiting);
    pass(40 * MINUTES);
    Sessions::on_idle(System::block_number(), Weight::MAX);
}

#[test]
fn nothing_is_lost_by_an_upgrade_in_the_middle_of_everything() {
    in_first_block(|| {
        let honest = graphs::wide(&mut Random(11), 700);
        offered(&honest);
        let charlie = balance(Charlie);
        let story = tell(&honest);
        check_phases(&story);
        assert_ok!(check_invariants());
        let (before, moment, skipped) = (kept(), Time::moment(), System::block_number());
        back_to_version_1();

        assert!(!next_block_takes_calls(), "the block of the upgrade migrates");
        let mut blocks = 1;
        while !next_block_takes_calls() {
            blocks += 1;
            assert!(blocks < 10, "the migration comes to its end");
        }
        assert!(!Migrations::ongoing());
        assert_eq!(kept(), before);
        check_phases(&story);
        assert_ok!(check_invariants());
        // The blocks of the migration are one moment with the block after them, and nothing was carried out in them.
        assert_eq!(Time::moment(), moment + 1);
        assert_eq!(System::block_number(), skipped + blocks + 1);
        let counted = <Time as BlockNumberProvider>::current_block_number();
        assert_eq!(counted, System::block_number() - blocks);
        assert_eq!(Disputes::on_chain_storage_version(), StorageVersion::new(2));
        assert_eq!(<ClockBlocks as Get<BlockNumber>>::get(), CLOCK);
        assert!(!unhashed::exists(&twox_128(b":ClockBlocks:")));
        assert_eq!(
            Governance::relay_network(),
            Some(NetworkId::ByGenesis(WESTEND_GENESIS_HASH))
        );

        play_on(&story, &honest);
        assert_ok!(check_invariants());
        let after = kept();
        assert!(after.jobs.is_empty() && after.disputes.is_empty() && after.sessions.is_empty());
        // Seven jobs at a token each, and two vouchers. The job of the late worker was refunded.
        let spent = charlie - balance(Charlie);
        assert_eq!(spent, 10 * UNIT);
        let bob = Workers::worker_info(&Bob.to_account_id()).expect("is registered");
        assert_eq!((bob.locked, bob.slashing), (0, 0));
    });
}
