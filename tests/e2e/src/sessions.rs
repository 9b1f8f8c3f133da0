//! Sessions that are opened by raw calls, and receipts that nobody has asked for.

use crate::{
    Network,
    binaries::binary,
    command::without_environment,
    jobs::{PACKAGE, Ticket, inputs_dir, models_dir},
};
use anyhow::{Context, anyhow, ensure};
use assay_client::{
    chain::{
        Account, Balance, BlockNumber, Call, Event, H256, SessionOffer, SessionRequest, SessionTerms, SessionsCall,
        SessionsEvent, SignedReceipt, Wait,
    },
    units::UNIT,
};
use assay_types::{ClaimSource, ModelVersion, SessionId, SessionKey};
use codec::DecodeAll;
use polkadot_sdk::sp_core::{Pair, sr25519};
use std::process::Command;

/// Seed of the key that signs receipts in all sessions here.
const WORKER_SEED: [u8; 32] = [7; 32];
/// Seed of the key that would sign vouchers.
const CLIENT_SEED: [u8; 32] = [8; 32];
/// Amount that is held of a client for a session.
pub const BUDGET: Balance = 10 * UNIT;
/// Price of a request.
pub const PRICE: Balance = 4 * UNIT / 10;
/// Blocks for which a session is open, longer than its story.
const OPEN_BLOCKS: BlockNumber = 10_000;
/// Blocks in which a worker has announced its node and its offer of sessions.
const READY_BLOCKS: BlockNumber = 60;
/// Blocks of the challenge window after that.
const WINDOW_BLOCKS: BlockNumber = 60;

/// A session that was opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenSession {
    /// The session.
    pub id: SessionId,
    /// A block before the one that has it.
    pub since: BlockNumber,
}

impl OpenSession {
    /// The claim by a receipt of this session, as a ticket of disputes.
    pub fn claim(self, sequence: u32) -> anyhow::Result<Ticket> {
        let source = ClaimSource::Receipt {
            session: self.id,
            sequence,
        };
        Ok(Ticket {
            job: source.id().context("a session and a request have numbers")?,
            since: self.since,
        })
    }
}

impl Network {
    /// Publishes an offer of sessions in a worker's name, and opens a session by it in a client's.
    pub async fn open_session(&self, worker: &str, client: &str, model: ModelVersion) -> anyhow::Result<OpenSession> {
        let since = self.client().finalized().await?.number();
        let key = |seed| SessionKey::Sr25519(sr25519::Pair::from_seed(seed).public());
        let terms = SessionTerms {
            base: PRICE,
            rate: 0,
            min_budget: PRICE,
            max_budget: BUDGET,
            lock_percent: 100,
            max_blocks: OPEN_BLOCKS,
            window_blocks: WINDOW_BLOCKS,
        };
        let offer = SessionOffer {
            terms,
            key: key(&WORKER_SEED),
            capacity: 8,
        };
        let publish = SessionsCall::PublishOffer { model, offer };
        let seller = self.account(worker)?;
        seller.send(Call::Sessions(publish), Wait::Finalized).await?;
        let request = SessionRequest {
            worker: self.id(worker)?,
            model,
            budget: BUDGET,
            blocks: OPEN_BLOCKS,
            terms,
            worker_key: key(&WORKER_SEED),
            client_key: key(&CLIENT_SEED),
        };
        let open = SessionsCall::Open {
            request: Box::new(request),
        };
        let buyer = self.account(client)?;
        let inclusion = buyer.send(Call::Sessions(open), Wait::Finalized).await?;
        let id = inclusion.events.iter().find_map(|event| match event {
            Event::Sessions(SessionsEvent::SessionOpened { session, .. }) => Some(*session),
            _ => None,
        });
        Ok(OpenSession {
            id: id.context("an opening that succeeds has its event")?,
            since,
        })
    }

    /// Waits until a worker has announced its node and offers sessions on a model.
    pub async fn offers_sessions(&self, worker: &str, model: ModelVersion) -> anyhow::Result<()> {
        let account = self.id(worker)?;
        let what = format!("{worker} offers sessions where it is reached");
        self.until(&what, READY_BLOCKS, async |snapshot| {
            let announced = snapshot.announcement(&account).await?;
            let offers = snapshot.session_offers(model).await?;
            let offers = offers.iter().any(|(of, _)| *of == account);
            Ok(announced.filter(|_| offers).map(drop))
        })
        .await
    }

    /// Signs a receipt for one of the digits, which is a lie of this kind or honest, and gives the request to those who
    /// are to play about it: workers and watchers by their names.
    pub fn receipt(
        &self,
        session: OpenSession,
        sequence: u32,
        lie: Option<&str>,
        players: &[&str],
    ) -> anyhow::Result<SignedReceipt> {
        let mut command = without_environment(Command::new(binary("assay-adversary")?));
        command
            .args(["receipt", "--session", &session.id.to_string()])
            .args(["--sequence", &sequence.to_string()])
            .args(["--session-seed", &hex::encode(WORKER_SEED)])
            .args(["--node", &self.url()])
            .arg("--package")
            .arg(models_dir().join(PACKAGE))
            .arg("--input")
            .arg(inputs_dir());
        for player in players {
            command.arg("--keep-in").arg(self.folder().join(player).join("inputs"));
        }
        if let Some(kind) = lie {
            command.args(["--lie", kind]);
        }
        let ran = command.output()?;
        let (said, errors) = (String::from_utf8(ran.stdout)?, String::from_utf8_lossy(&ran.stderr));
        ensure!(ran.status.success(), "no receipt is signed: {errors}");
        let bytes = hex::decode(said.trim())?;
        Ok(SignedReceipt::decode_all(&mut &bytes[..])?)
    }

    /// Challenges a receipt, for somebody that has found nothing.
    pub async fn challenge_receipt(&self, challenger: &Account, receipt: &SignedReceipt) -> anyhow::Result<()> {
        let symbols = vec![1u32].try_into();
        let call = SessionsCall::ChallengeReceipt {
            receipt: Box::new(receipt.clone()),
            symbols: symbols.map_err(|_| anyhow!("the digits have one symbol"))?,
            commitment: H256::zero(),
        };
        challenger.send(Call::Sessions(call), Wait::Finalized).await?;
        Ok(())
    }

    /// Waits until a session's event is as this says, for this many blocks from its opening at most.
    pub async fn session_event(
        &self,
        what: &str,
        session: OpenSession,
        blocks: BlockNumber,
        like: impl Fn(&SessionsEvent) -> bool,
    ) -> anyhow::Result<()> {
        self.read(what, session.since, blocks, async |snapshot| {
            let found = snapshot.events().await?.into_iter().any(|event| match event {
                Event::Sessions(event) => event.session() == Some(session.id) && like(&event),
                _ => false,
            });
            Ok(found.then_some(()))
        })
        .await
    }
}
