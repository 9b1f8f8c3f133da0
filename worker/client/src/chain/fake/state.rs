//! The state after a block of the fake chain, as connections read it.

use super::FakeState;
use crate::chain::{
    error::{ChainError, SubmitError},
    events::Event,
    snapshot::Constants,
    types::*,
    view::StateView,
};
use assay_types::{
    Announcement, ClaimId, JobId, ModelVersion, NoOffer, Page, SealStatus, SessionId, SlashId,
    dispute::{Place, Revealed},
};
use polkadot_sdk::sp_runtime::{DispatchError, FixedU128};

/// Entries of a page of claims: so few that a test reads several.
const PAGE: u32 = 2;

impl StateView for FakeState {
    fn number(&self) -> BlockNumber {
        self.block.number
    }

    fn now(&self) -> BlockNumber {
        self.block.now
    }

    fn hash(&self) -> H256 {
        self.block.hash
    }

    fn constants(&self) -> Result<Constants, ChainError> {
        Ok(Constants {
            deadline: (10, 1_000),
            window: (10, 1_000),
            auction_phase: (5, 100),
            bid_deposit: 1_000,
            min_stake: 100,
            stake_floor: 10,
            stake_per_price: FixedU128::from_u32(10),
            existential_deposit: 1,
        })
    }

    async fn timestamp_ms(&self) -> Result<u64, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.timestamp_ms)
    }

    async fn offers(&self, version: ModelVersion) -> Result<Vec<Offer>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.offers.get(&version).cloned().unwrap_or_default())
    }

    fn explain(&self, error: &DispatchError) -> SubmitError {
        SubmitError::Dispatch(format!("{error:?}"))
    }

    async fn events(&self) -> Result<Vec<Event>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.events.clone())
    }

    async fn job(&self, job: JobId) -> Result<Option<Job>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.jobs.get(&job).cloned())
    }

    async fn input(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.inputs.get(&job).cloned())
    }

    async fn output(&self, job: JobId) -> Result<Option<Vec<u8>>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.outputs.get(&job).cloned())
    }

    async fn demand(&self, job: JobId) -> Result<Option<Demand>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.demands.get(&job).cloned())
    }

    async fn bids(&self, job: JobId) -> Result<Vec<Bid>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.bids.get(&job).cloned().unwrap_or_default())
    }

    async fn jobs_of(&self, account: &AccountId) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.jobs_of(account))
    }

    async fn open_jobs(&self, version: ModelVersion) -> Result<Vec<(JobId, Job)>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.open_jobs(version))
    }

    async fn claimed_jobs(&self, after: Option<JobId>) -> Result<Page<Job>, ChainError> {
        self.connection.ask().await?;
        let claims = self.block.ledger.claimed_jobs().into_iter();
        let rest = claims.filter(|(id, _)| after.is_none_or(|after| *id > after));
        Ok(Page::of(rest, PAGE, |_, _| true))
    }

    async fn seal_statuses(&self, jobs: &[JobId]) -> Result<Vec<SealStatus>, ChainError> {
        self.connection.ask().await?;
        Ok(jobs.iter().map(|job| self.block.ledger.seal_status(*job)).collect())
    }

    async fn account(&self, account: &AccountId) -> Result<AccountData, ChainError> {
        self.connection.ask().await?;
        let money = self.block.ledger.money.get(account);
        Ok(money.cloned().unwrap_or_else(|| AccountData {
            free: Balance::from(u64::MAX),
            ..AccountData::default()
        }))
    }

    async fn worker(&self, account: &AccountId) -> Result<Option<WorkerInfo>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.workers.get(account).cloned())
    }

    async fn version(&self, version: ModelVersion) -> Result<Option<VersionRecord>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.versions.get(&version).cloned())
    }

    async fn version_by_root(&self, root: H256) -> Result<Option<ModelVersion>, ChainError> {
        self.connection.ask().await?;
        let mut versions = self.block.ledger.versions.iter();
        Ok(versions
            .find(|(_, record)| record.root == root)
            .map(|(version, _)| *version))
    }

    async fn quote(
        &self,
        version: ModelVersion,
        _: &[u32],
        _: BlockNumber,
        _: BlockNumber,
    ) -> Result<Result<Quote, NoOffer>, ChainError> {
        self.connection.ask().await?;
        let offers = self.block.ledger.offers.get(&version).into_iter().flatten();
        let first = offers.min_by_key(|offer| offer.terms.base);
        Ok(first
            .map(|offer| Quote {
                worker: offer.worker.clone(),
                price: offer.terms.base,
            })
            .ok_or(NoOffer::NoneForModel))
    }

    async fn audit(&self, claim: ClaimId) -> Result<Option<Audit>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.audits.get(&claim).cloned())
    }

    async fn audits_of(&self, account: &AccountId) -> Result<Vec<(ClaimId, Audit)>, ChainError> {
        self.connection.ask().await?;
        let audits = self.block.ledger.audits.iter();
        let audits_by = |audit: &Audit| -> bool { audit.auditors.iter().any(|auditor| auditor.who == *account) };
        let mine = audits.filter(|(_, audit)| audits_by(audit));
        Ok(mine.map(|(claim, audit)| (*claim, audit.clone())).collect())
    }

    async fn dispute(&self, job: JobId) -> Result<Option<Dispute>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.disputes.get(&job).cloned())
    }

    async fn disputes_of(&self, account: &AccountId) -> Result<Vec<(JobId, Dispute)>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.disputes_of(account))
    }

    async fn revealed(&self, job: JobId, place: Place) -> Result<Option<Revealed>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.revealed.get(&(job, place)).cloned())
    }

    async fn bond_for(&self, job: JobId) -> Result<Option<Balance>, ChainError> {
        self.connection.ask().await?;
        let claimed = self.block.ledger.claimed_jobs();
        Ok(claimed.iter().find(|(id, _)| *id == job).map(|_| 5))
    }

    async fn awards_of(&self, account: &AccountId) -> Result<Vec<(SlashId, OpenAward)>, ChainError> {
        self.connection.ask().await?;
        let awards = self.block.ledger.awards.iter();
        let mine = awards.filter(|(_, award)| award.finders.iter().any(|finder| finder.challenger == *account));
        Ok(mine.map(|(slash, award)| (*slash, award.clone())).collect())
    }

    async fn announcement(&self, worker: &AccountId) -> Result<Option<Announcement>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.announcements.get(worker).cloned())
    }

    async fn announcements(&self) -> Result<Vec<(AccountId, Announcement)>, ChainError> {
        self.connection.ask().await?;
        let announcements = self.block.ledger.announcements.iter();
        Ok(announcements
            .map(|(worker, place)| (worker.clone(), place.clone()))
            .collect())
    }

    async fn session(&self, session: SessionId) -> Result<Option<Session>, ChainError> {
        self.connection.ask().await?;
        Ok(self.block.ledger.sessions.get(&session).cloned())
    }

    async fn sessions_of(&self, account: &AccountId) -> Result<Vec<(SessionId, Session)>, ChainError> {
        self.connection.ask().await?;
        let sessions = self.block.ledger.sessions.iter();
        let mine = sessions.filter(|(_, session)| session.client == *account || session.worker == *account);
        Ok(mine.map(|(id, session)| (*id, session.clone())).collect())
    }

    async fn session_offers_of(&self, worker: &AccountId) -> Result<Vec<(ModelVersion, SessionOffer)>, ChainError> {
        self.connection.ask().await?;
        let offers = self.block.ledger.session_offers.iter();
        let mine = offers.filter(|((of, _), _)| of == worker);
        Ok(mine.map(|((_, version), offer)| (*version, offer.clone())).collect())
    }
}
