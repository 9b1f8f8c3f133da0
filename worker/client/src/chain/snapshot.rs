//! The state after one block: storage, runtime API, constants and the block's events.

use super::{
    Config,
    error::{BoxError, ChainError},
    events::Event,
    types::*,
};
use assay_types::{
    Announcement, ClaimId, JobId, ModelId, ModelVersion, NoOffer, Page, SealStatus, SessionId, SessionQuote, SlashId,
    dispute::{Place, Revealed},
    limits::MAX_LISTED_JOBS,
};
use codec::{Decode, DecodeAll, Encode};
use polkadot_sdk::{
    sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128, twox_256},
    sp_runtime::{FixedPointNumber, FixedU128},
};
use subxt::{
    client::OnlineClientAtBlock, error::StorageError, ext::frame_decode::storage::StorageHasher, metadata::Metadata,
};

/// The state after one block.
pub struct Snapshot {
    at: OnlineClientAtBlock<Config>,
    now: BlockNumber,
}

/// The chain's limits on what a client may ask for, and its deposits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constants {
    /// Least and greatest number of blocks that a job may give its worker.
    pub deadline: (BlockNumber, BlockNumber),
    /// Least and greatest number of blocks of a challenge window.
    pub window: (BlockNumber, BlockNumber),
    /// Least and greatest number of blocks of each phase of an auction.
    pub auction_phase: (BlockNumber, BlockNumber),
    /// Held from a bidder until it reveals.
    pub bid_deposit: Balance,
    /// Least stake of a worker.
    pub min_stake: Balance,
    /// Least stake that a job locks.
    pub stake_floor: Balance,
    /// Stake that a job locks for each unit of its price.
    pub stake_per_price: FixedU128,
    /// Minimum balance of an account.
    pub existential_deposit: Balance,
}

impl Constants {
    /// Stake that a job of this price locks.
    pub fn lock(&self, price: Balance) -> Balance {
        self.stake_per_price.saturating_mul_int(price).max(self.stake_floor)
    }
}

impl Snapshot {
    pub(super) fn new(at: OnlineClientAtBlock<Config>) -> Self {
        Self { at, now: 0 }
    }

    /// The same state, once the moment of its block has been read.
    pub(super) async fn with_moment(mut self) -> Result<Self, ChainError> {
        let moment = self.entry("Time", "Now", "the moment of Assay time", &[]).await?;
        // There is none before the first block.
        self.now = moment.unwrap_or_default();
        Ok(self)
    }

    pub(super) fn metadata(&self) -> &Metadata {
        self.at.metadata_ref()
    }

    pub(super) fn spec_version(&self) -> u32 {
        self.at.spec_version()
    }

    pub(super) fn at(&self) -> &OnlineClientAtBlock<Config> {
        &self.at
    }

    /// The block's number.
    pub fn number(&self) -> BlockNumber {
        self.at.block_number() as BlockNumber
    }

    /// The block's moment of Assay time, in which deadlines and windows count: the number of blocks that had room.
    pub fn now(&self) -> BlockNumber {
        self.now
    }

    /// The block's hash.
    pub fn hash(&self) -> H256 {
        H256(self.at.block_hash().0)
    }

    /// A job, until it is closed.
    pub async fn job(&self, job: JobId) -> Result<Option<Job>, ChainError> {
        self.entry("Market", "Jobs", "a job", &job.encode()).await
    }

    /// A job's inline input.
    pub async fn input(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        self.entry("Market", "Inputs", "an input", &job.encode()).await
    }

    /// A claimed job's inline output.
    pub async fn output(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        self.entry("Market", "Outputs", "an output", &job.encode()).await
    }

    /// The output of a job that its client has demanded, until it is complete.
    pub async fn demand(&self, job: JobId) -> Result<Option<Demand>, ChainError> {
        self.entry("Market", "Demands", "a demand", &job.encode()).await
    }

    /// The bids on a job.
    pub async fn bids(&self, job: JobId) -> Result<Vec<Bid>, ChainError> {
        Ok(self
            .entry("Market", "Bids", "bids", &job.encode())
            .await?
            .unwrap_or_default())
    }

    /// A model version.
    pub async fn version(&self, version: ModelVersion) -> Result<Option<VersionRecord>, ChainError> {
        self.entry("Models", "Versions", "a model version", &version.encode())
            .await
    }

    /// The model version with this root.
    pub async fn version_by_root(&self, root: H256) -> Result<Option<ModelVersion>, ChainError> {
        self.entry("Models", "VersionByRoot", "a model root", &root.encode())
            .await
    }

    /// The model line of this name.
    pub async fn model_by_name(&self, name: &str) -> Result<Option<ModelId>, ChainError> {
        self.entry(
            "Models",
            "ModelByName",
            "a model name",
            &name.as_bytes().to_vec().encode(),
        )
        .await
    }

    /// Number of model lines ever registered.
    pub async fn next_model_id(&self) -> Result<ModelId, ChainError> {
        Ok(self
            .entry("Models", "NextModelId", "the number of models", &[])
            .await?
            .unwrap_or_default())
    }

    /// A model line.
    pub async fn model(&self, model: ModelId) -> Result<Option<ModelHead>, ChainError> {
        let what = "a model";
        let key = self.key("Models", "Models", what, &model.encode())?;
        let Some(bytes) = self.raw(key, what).await? else {
            return Ok(None);
        };
        ModelHead::decode(&mut &bytes[..])
            .map(Some)
            .map_err(|source| ChainError::Decode { what, source })
    }

    /// An account's money.
    pub async fn account(&self, account: &AccountId) -> Result<AccountData, ChainError> {
        let info: Option<AccountInfo> = self.entry("System", "Account", "an account", &account.encode()).await?;
        Ok(info.unwrap_or_default().data)
    }

    /// Transactions that an account has sent.
    pub async fn nonce(&self, account: &AccountId) -> Result<u64, ChainError> {
        let info: Option<AccountInfo> = self.entry("System", "Account", "an account", &account.encode()).await?;
        Ok(info.unwrap_or_default().nonce.into())
    }

    /// The open jobs that an account pays for, has been assigned, or has a bid on.
    pub async fn jobs_of(&self, account: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.ask_all("jobs_of", account.encode()).await
    }

    /// The jobs on a model version for which bids may be committed.
    pub async fn open_jobs(&self, version: ModelVersion) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.ask_all("open_jobs", version.encode()).await
    }

    /// Price of a job with these values of the symbols and these blocks now, by standing offers.
    pub async fn quote(
        &self,
        version: ModelVersion,
        symbols: &[u32],
        deadline_blocks: BlockNumber,
        window_blocks: BlockNumber,
    ) -> Result<Result<Quote, NoOffer>, ChainError> {
        let arguments = (version, symbols, deadline_blocks, window_blocks).encode();
        self.ask("quote", arguments).await
    }

    /// The time of the block, in milliseconds since 1970, as its author said it; 0 before the first block.
    pub async fn timestamp_ms(&self) -> Result<u64, ChainError> {
        let time = self.entry("Timestamp", "Now", "the block's time", &[]).await?;
        Ok(time.unwrap_or_default())
    }

    /// The standing offers for a model version, in the order of their prices for the largest job.
    pub async fn offers(&self, version: ModelVersion) -> Result<Vec<Offer>, ChainError> {
        let book = self.entry("Workers", "Offers", "the offers", &version.encode()).await?;
        Ok(book.unwrap_or_default())
    }

    /// A worker, its stake and its offers.
    pub async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo>, ChainError> {
        self.ask("worker", account.encode()).await
    }

    /// A worker's place in the workers' network, if it has announced one.
    pub async fn announcement(&self, worker: &AccountId) -> Result<Option<Announcement>, ChainError> {
        self.ask("announcement", worker.encode()).await
    }

    /// The places that the first of all workers have announced, as many as one answer lists.
    pub async fn announcements(&self) -> Result<Vec<(AccountId, Announcement)>, ChainError> {
        let after: Option<AccountId> = None;
        self.ask("announcements", (after, MAX_LISTED_JOBS).encode()).await
    }

    /// Reason that keeps a worker from having a job, or from being paid for it.
    pub async fn why_not(&self, worker: &AccountId, job: JobId) -> Result<WhyNot, ChainError> {
        self.ask("why_not", (worker, job).encode()).await
    }

    /// A page of the jobs that are claimed or disputed: the first one, or the one that begins `after` another's `next`.
    pub async fn claimed_jobs(&self, after: Option<JobId>) -> Result<Page<Job>, ChainError> {
        self.ask("claimed_jobs", (after, MAX_LISTED_JOBS).encode()).await
    }

    /// Where the sealed claims of these jobs stand, in their order; of at most [`MAX_LISTED_JOBS`].
    pub async fn seal_statuses(&self, jobs: &[JobId]) -> Result<Vec<SealStatus>, ChainError> {
        self.ask("seal_statuses", jobs.encode()).await
    }

    /// The audit of a claim, until the claim is settled.
    pub async fn audit(&self, claim: ClaimId) -> Result<Option<Audit>, ChainError> {
        self.entry("Audits", "Audits", "an audit", &claim.encode()).await
    }

    /// A worker's record with auditors; that of a new worker if there is none.
    pub async fn audit_record(&self, worker: &AccountId) -> Result<AuditRecord, ChainError> {
        let record = self
            .entry("Audits", "Records", "a record with auditors", &worker.encode())
            .await?;
        Ok(record.unwrap_or_default())
    }

    /// The audits in which an account is an auditor, by their claims.
    pub async fn audits_of(&self, account: &AccountId) -> Result<Vec<(ClaimId, Audit)>, ChainError> {
        self.ask_all("audits_of", account.encode()).await
    }

    /// The dispute over a job.
    pub async fn dispute(&self, job: JobId) -> Result<Option<Dispute>, ChainError> {
        self.ask("dispute", job.encode()).await
    }

    /// The disputes in which an account is the worker or a challenger.
    pub async fn disputes_of(&self, account: &AccountId) -> Result<Vec<(JobId, Dispute)>, ChainError> {
        self.ask_all("disputes_of", account.encode()).await
    }

    /// Statement that was revealed of a place in the dispute over a job.
    pub async fn revealed(&self, job: JobId, place: Place) -> Result<Option<Revealed>, ChainError> {
        self.ask("revealed", (job, place).encode()).await
    }

    /// Amount that a challenge to a job would hold now; nothing if it cannot be challenged.
    pub async fn bond_for(&self, job: JobId) -> Result<Option<Balance>, ChainError> {
        self.ask("bond_for", job.encode()).await
    }

    /// The awards that an account may still claim, with their slashes.
    pub async fn awards_of(&self, account: &AccountId) -> Result<Vec<(SlashId, OpenAward)>, ChainError> {
        self.ask_all("awards_of", account.encode()).await
    }

    /// A session, until it is over.
    pub async fn session(&self, session: SessionId) -> Result<Option<Session>, ChainError> {
        self.ask("session", session.encode()).await
    }

    /// The sessions in which an account is the client or the worker.
    pub async fn sessions_of(&self, account: &AccountId) -> Result<Vec<(SessionId, Session)>, ChainError> {
        self.ask_all("sessions_of", account.encode()).await
    }

    /// The standing offers of sessions on a model version, by worker.
    pub async fn session_offers(&self, version: ModelVersion) -> Result<Vec<(AccountId, SessionOffer)>, ChainError> {
        let mut offers: Vec<(AccountId, SessionOffer)> = Vec::new();
        loop {
            let after = offers.last().map(|(worker, _)| worker.clone());
            let arguments = (version, after, MAX_LISTED_JOBS).encode();
            let page: Vec<(AccountId, SessionOffer)> = self.ask("session_offers", arguments).await?;
            let is_last = page.len() < MAX_LISTED_JOBS as usize;
            offers.extend(page);
            if is_last {
                return Ok(offers);
            }
        }
    }

    /// The standing offers of sessions that a worker has made, by model version.
    pub async fn session_offers_of(&self, worker: &AccountId) -> Result<Vec<(ModelVersion, SessionOffer)>, ChainError> {
        let what = "the offers of sessions of a worker";
        let versions: Option<Vec<ModelVersion>> = self.entry("Sessions", "OffersOf", what, &worker.encode()).await?;
        let mut offers = Vec::new();
        for version in versions.unwrap_or_default() {
            let all = self.session_offers(version).await?;
            let own = all.into_iter().find(|(other, _)| other == worker);
            offers.extend(own.map(|(_, offer)| (version, offer)));
        }
        Ok(offers)
    }

    /// The price of a request with these values of the symbols by a worker's offer of sessions.
    pub async fn session_quote(
        &self,
        version: ModelVersion,
        worker: &AccountId,
        symbols: &[u32],
    ) -> Result<Option<SessionQuote<Balance>>, ChainError> {
        self.ask("session_quote", (version, worker, symbols).encode()).await
    }

    /// A receipt that is disputed, by the number of its claim.
    pub async fn disputed_receipt(&self, claim: ClaimId) -> Result<Option<DisputedReceipt>, ChainError> {
        self.entry("Sessions", "DisputedReceipts", "a disputed receipt", &claim.encode())
            .await
    }

    /// The block's events that the worker follows, in order.
    pub async fn events(&self) -> Result<Vec<Event>, ChainError> {
        let what = "a block's events";
        let events = self
            .at
            .events()
            .fetch()
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request(what))?;
        let mut followed = Vec::new();
        for event in events.iter() {
            let event = event.map_err(BoxError::from).map_err(ChainError::request(what))?;
            if let Some(decoded) = Event::decode(event.pallet_name(), event.event_name(), event.field_bytes()) {
                followed.push(decoded.map_err(|source| ChainError::Decode { what, source })?);
            }
        }
        Ok(followed)
    }

    /// The chain's limits.
    pub fn constants(&self) -> Result<Constants, ChainError> {
        let range = |least, greatest| Ok((self.constant("Market", least)?, self.constant("Market", greatest)?));
        Ok(Constants {
            deadline: range("MinDeadline", "MaxDeadline")?,
            window: range("MinWindow", "MaxWindow")?,
            auction_phase: range("MinAuctionPhase", "MaxAuctionPhase")?,
            bid_deposit: self.constant("Market", "BidDeposit")?,
            min_stake: self.constant("Workers", "MinStake")?,
            stake_floor: self.constant("Workers", "StakeFloor")?,
            stake_per_price: self.constant("Workers", "StakePerPrice")?,
            existential_deposit: self.constant("Balances", "ExistentialDeposit")?,
        })
    }

    fn constant<C: Decode>(&self, pallet: &str, name: &str) -> Result<C, ChainError> {
        let what = "a constant";
        let constant = self
            .metadata()
            .pallet_by_name(pallet)
            .and_then(|pallet| pallet.constant_by_name(name))
            .ok_or_else(|| missing(what, pallet, name))?;
        C::decode_all(&mut constant.value()).map_err(|source| ChainError::Decode { what, source })
    }

    async fn ask<A: Decode>(&self, method: &str, arguments: Vec<u8>) -> Result<A, ChainError> {
        let what = "the runtime API";
        let function = format!("AssayApi_{method}");
        let apis = self.at.runtime_apis();
        let answer = apis
            .call_raw(&function, Some(&arguments))
            .await
            .map_err(BoxError::from)
            .map_err(ChainError::request(what))?;
        A::decode_all(&mut &answer[..]).map_err(|source| ChainError::Decode { what, source })
    }

    /// Every entry of a list that is answered in pages, in the order of the jobs' numbers. `subject` is what the list
    /// is about.
    async fn ask_all<Entry: Decode>(&self, method: &str, subject: Vec<u8>) -> Result<Vec<(JobId, Entry)>, ChainError> {
        let mut entries = Vec::new();
        let mut after: Option<JobId> = None;
        loop {
            let arguments = [&subject[..], &(after, MAX_LISTED_JOBS).encode()].concat();
            let page: Page<Entry> = self.ask(method, arguments).await?;
            entries.extend(page.entries);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        entries.sort_by_key(|(job, _)| *job);
        Ok(entries)
    }

    async fn entry<V: Decode>(
        &self,
        pallet: &str,
        entry: &str,
        what: &'static str,
        key: &[u8],
    ) -> Result<Option<V>, ChainError> {
        let key = self.key(pallet, entry, what, key)?;
        let Some(bytes) = self.raw(key, what).await? else {
            return Ok(None);
        };
        V::decode_all(&mut &bytes[..])
            .map(Some)
            .map_err(|source| ChainError::Decode { what, source })
    }

    async fn raw(&self, key: Vec<u8>, what: &'static str) -> Result<Option<Vec<u8>>, ChainError> {
        match self.at.storage().fetch_raw(key).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::NoValueFound) => Ok(None),
            Err(error) => Err(ChainError::request(what)(error.into())),
        }
    }

    /// The key of a storage value (an empty `key`) or of a map's entry.
    fn key(&self, pallet: &str, entry: &str, what: &'static str, key: &[u8]) -> Result<Vec<u8>, ChainError> {
        let storage = self
            .metadata()
            .pallet_by_name(pallet)
            .and_then(|pallet| pallet.storage())
            .ok_or_else(|| missing(what, pallet, entry))?;
        let info = storage
            .entry_by_name(entry)
            .ok_or_else(|| missing(what, pallet, entry))?;
        let mut bytes = [twox_128(storage.prefix().as_bytes()), twox_128(entry.as_bytes())].concat();
        for part in info.keys() {
            hash_key(part.hasher, key, &mut bytes);
        }
        Ok(bytes)
    }
}

fn hash_key(hasher: StorageHasher, key: &[u8], out: &mut Vec<u8>) {
    match hasher {
        StorageHasher::Blake2_128 => out.extend(blake2_128(key)),
        StorageHasher::Blake2_256 => out.extend(blake2_256(key)),
        StorageHasher::Blake2_128Concat => out.extend(blake2_128(key).iter().chain(key)),
        StorageHasher::Twox128 => out.extend(twox_128(key)),
        StorageHasher::Twox256 => out.extend(twox_256(key)),
        StorageHasher::Twox64Concat => out.extend(twox_64(key).iter().chain(key)),
        StorageHasher::Identity => out.extend(key),
    }
}

fn missing(what: &'static str, pallet: &str, name: &str) -> ChainError {
    ChainError::Request {
        what,
        reason: format!("the metadata has no {pallet}.{name}"),
    }
}
