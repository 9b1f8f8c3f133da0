//! One dispute from its beginning to the conviction, on a chain in memory.

use anyhow::{Context, Result, ensure};
use assay_adversary::{Liar, Lie, Manner, Random, graphs};
use assay_bench_chain::chain::{Applied, Chain};
use assay_player::{Execution, Finding, Reveals, Statements, committed, find, opening, prove, trace_digest};
use assay_runtime::{Disputes, Runtime, RuntimeEvent};
use assay_types::{
    Delivery, HostBlake2, JobId, JobInput, JobRequest, Matching, OfferTerms,
    audit::seal,
    dispute::{Fault, Place, Revealed, Side, Statement, commitment},
};
use polkadot_sdk::{
    sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave},
    sp_runtime::BoundedVec,
};

/// Moves after which a dispute that does not end is given up.
const MOST_MOVES: usize = 40;
/// Price of the worker's offer for the job: 10 ASY are locked for it.
const PRICE: u128 = assay_runtime::units::UNIT;
/// Blocks until an offer has certainly taken effect.
const OFFER_BLOCKS: u32 = 100;

/// The salt of Dave's commitment and of Charlie's seal.
const SALT: [u8; 32] = [7; 32];

/// A dispute that was played.
pub struct Played {
    /// The transactions, the challenge first.
    pub transactions: Vec<Applied>,
    /// Bytes that the chain kept of the dispute at the end.
    pub stored_bytes: usize,
    /// Why the worker was convicted.
    pub fault: Fault,
}

/// Lets Charlie lie about an execution, and Dave find it out.
pub fn play<E: Execution + Copy>(chain: &mut Chain, execution: E, lie: &Lie) -> Result<Played> {
    let liar = Liar::new(execution, lie, Manner::Answers)?.context("the lie is the truth")?;
    let job = claimed(chain, liar.pretended())?;
    let sealed = commitment::<HostBlake2, _>(job, &Dave.to_account_id(), &trace_digest(&execution), &SALT);
    let challenge = pallet_disputes::Call::challenge {
        job,
        commitment: sealed,
    };
    let mut transactions = vec![chain.apply("challenge", Dave, challenge)?];
    let mut reveals = Reveals::new();
    let mut stored_bytes = 0;
    for _ in 0..MOST_MOVES {
        let dispute = chain.read(|| Disputes::dispute(job)).context("the dispute has ended")?;
        let game = dispute.games.first().context("a dispute has a game")?;
        let place = game.place;
        if game.turn == Side::Worker {
            let statement = liar.statement(&place)?.context("the liar is silent")?;
            let name = reveal_name(&statement);
            let statement = Box::new(statement);
            transactions.push(chain.apply(name, Charlie, pallet_disputes::Call::reveal { job, statement })?);
            continue;
        }
        let revealed: Option<Revealed> = chain.read(|| Disputes::revealed(job, place));
        reveals.insert(
            place,
            revealed.context("it is the challenger's turn, and nothing is revealed")?,
        );
        let element = match find(&execution, &place, &reveals)? {
            Finding::Entry(entry) => {
                transactions.push(chain.apply("point", Dave, pallet_disputes::Call::point { job, place, entry })?);
                continue;
            }
            Finding::Element(element) => element,
            Finding::Agree => anyhow::bail!("nothing is wrong at {place:?}"),
        };
        stored_bytes = chain.stored_bytes("Disputes").max(stored_bytes);
        let head = dispute.trace.as_ref().context("there is a trace")?;
        let proof = prove(&execution, head, &reveals, &place, element)?;
        let operator = place.operator().context("something is proved of an operator")?;
        let call = pallet_disputes::Call::prove {
            job,
            challenger: Dave.to_account_id(),
            proof: Box::new(proof),
            element,
            finding: Some(Box::new(opening(&execution, operator, element, SALT)?)),
        };
        transactions.push(chain.apply("prove", Dave, call)?);
        let fault = chain.events().into_iter().find_map(|event| match event {
            RuntimeEvent::Disputes(pallet_disputes::Event::WorkerConvicted { fault, .. }) => Some(fault),
            _ => None,
        });
        return Ok(Played {
            transactions,
            stored_bytes,
            fault: fault.context("the proof convicted nobody")?,
        });
    }
    anyhow::bail!("the dispute does not end")
}

fn reveal_name(statement: &Statement) -> &'static str {
    match statement.place() {
        Place::Trace => "reveal trace",
        Place::TraceSpan { .. } => "reveal span of trace",
        Place::Tensor { .. } => "reveal tensor",
        Place::TensorSpan { .. } => "reveal span of tensor",
        Place::Chunk { .. } => "reveal chunk",
    }
}

/// A job that Charlie has claimed, for an execution that it has made or pretends to have made.
fn claimed(chain: &mut Chain, execution: &dyn Execution) -> Result<JobId> {
    let committed = committed(execution);
    let name = BoundedVec::truncate_from(b"disputed".to_vec());
    let register = pallet_models::Call::register {
        name,
        parts: execution.parts().clone(),
    };
    chain.apply("register", Alice, register)?;
    let version = pallet_models::VersionByRoot::<Runtime>::get;
    let version = chain
        .read(|| version(committed.model_root))
        .context("it was just registered")?;
    let stake = 1_000 * PRICE;
    chain.apply("register a worker", Charlie, pallet_workers::Call::register { stake })?;
    let offer = pallet_workers::Call::publish_offer {
        version,
        terms: OfferTerms {
            base: PRICE,
            rate: 0,
            min_deadline: 0,
            min_window: 0,
            max_window: 1_000,
        },
        capacity: 1,
    };
    chain.apply("offer", Charlie, offer)?;
    chain.pass(OFFER_BLOCKS)?;
    let request = JobRequest {
        model: version,
        input: JobInput::Digest {
            digest: committed.input_digest,
            symbols: execution.trace().symbols.clone(),
        },
        ceiling: PRICE,
        matching: Matching::Offers,
        deadline_blocks: 30,
        window_blocks: 1_000,
        delivery: Delivery::Digest,
    };
    chain.apply("submit", Bob, pallet_market::Call::submit { request })?;
    let job = 0;
    let sealed = pallet_market::Seal {
        job,
        seal: seal::<HostBlake2, _>(job, &Charlie.to_account_id(), &committed.output_digest, &SALT),
    };
    chain.note_relay_blocks();
    let seals = vec![sealed];
    chain.apply("seal", Charlie, pallet_market::Call::seal { seals })?;
    chain.pass(1)?;
    chain.note_relay_blocks();
    let claim = pallet_market::Claim {
        job,
        output_digest: committed.output_digest,
        output: None,
        salt: SALT,
    };
    chain.apply("claim", Charlie, pallet_market::Call::claim { claim })?;
    let claimed = chain.read(|| assay_runtime::Market::job(job)).is_some();
    ensure!(claimed, "the job is not there");
    Ok(job)
}

/// Bytes that the chain keeps of a claimed job, and those among them that are there because of disputes.
pub fn claim_bytes(chain: &mut Chain) -> Result<(usize, usize)> {
    let before = chain.stored_bytes("Market");
    claimed(chain, &graphs::random(&mut Random(1), 3))?;
    Ok((chain.stored_bytes("Market") - before, chain.stored_bytes("Disputes")))
}
