//! One dispute from its beginning to the conviction, on a chain in memory.

use crate::chain::{Applied, Chain};
use anyhow::{Context, Result, ensure};
use assay_adversary::{Liar, Lie, Manner};
use assay_player::{Execution, Finding, Reveals, Statements, find, prove};
use assay_runtime::{Disputes, Runtime, RuntimeEvent};
use assay_types::{
    DataType, Delivery, Dimension, H256, JobId, JobInput, JobRequest, Matching, Precision, Schema, TensorSchema,
    dispute::{Committed, Fault, Place, Revealed, Side, Statement},
};
use polkadot_sdk::{
    sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave},
    sp_runtime::BoundedVec,
};

/// Moves after which a dispute that does not end is given up.
const MOST_MOVES: usize = 40;
/// What the worker asks for the job: 10 ASY are locked for it.
const PRICE: u128 = assay_runtime::units::UNIT;

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
    let job = claimed(chain, &liar.committed())?;
    let mut transactions = vec![chain.apply("challenge", Dave, pallet_disputes::Call::challenge { job })?];
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
            Finding::Header => None,
            Finding::Element(element) => Some(element),
            Finding::Agree => anyhow::bail!("nothing is wrong at {place:?}"),
        };
        stored_bytes = chain.stored_bytes("Disputes").max(stored_bytes);
        let head = dispute.trace.as_ref().context("there is a trace")?;
        let proof = prove(&execution, &dispute.committed, head, &reveals, &place, element)?;
        let call = pallet_disputes::Call::prove {
            job,
            challenger: Dave.to_account_id(),
            proof: Box::new(proof),
            element,
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

/// A job that Charlie has claimed.
fn claimed(chain: &mut Chain, committed: &Committed) -> Result<JobId> {
    let name = BoundedVec::truncate_from(b"disputed".to_vec());
    let register = pallet_models::Call::register {
        name,
        root: committed.model_root,
        precision: Precision::Int16,
        schema: schema(),
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
        price: PRICE,
        capacity: 1,
    };
    chain.apply("offer", Charlie, offer)?;
    let request = JobRequest {
        model: version,
        input: JobInput::Digest {
            digest: committed.input_digest,
            symbols: BoundedVec::new(),
        },
        ceiling: PRICE,
        matching: Matching::Offers,
        deadline_blocks: 30,
        window_blocks: 1_000,
        delivery: Delivery::Digest,
    };
    chain.apply("submit", Bob, pallet_market::Call::submit { request })?;
    let job = 0;
    let claim = pallet_market::Claim {
        job,
        output_digest: committed.output_digest,
        output: None,
    };
    chain.apply("claim", Charlie, pallet_market::Call::claim { claim })?;
    let claimed = chain.read(|| assay_runtime::Market::job(job)).is_some();
    ensure!(claimed, "the job is not there");
    Ok(job)
}

/// A schema that says nothing: the job is given by its digest alone.
fn schema() -> Schema {
    let byte = |name: &[u8]| TensorSchema {
        name: BoundedVec::truncate_from(name.to_vec()),
        data_type: DataType::Uint8,
        dimensions: BoundedVec::truncate_from(vec![Dimension::Fixed(1)]),
    };
    Schema {
        symbols: BoundedVec::new(),
        inputs: BoundedVec::truncate_from(vec![byte(b"input")]),
        outputs: BoundedVec::truncate_from(vec![byte(b"output")]),
    }
}

/// Bytes that the chain keeps of a claimed job, and those among them that are there because of disputes.
pub fn claim_bytes(chain: &mut Chain) -> Result<(usize, usize)> {
    let committed = Committed {
        model_root: H256::repeat_byte(1),
        input_digest: H256::repeat_byte(2),
        output_digest: H256::repeat_byte(3),
    };
    let before = chain.stored_bytes("Market");
    claimed(chain, &committed)?;
    Ok((chain.stored_bytes("Market") - before, chain.stored_bytes("Disputes")))
}
