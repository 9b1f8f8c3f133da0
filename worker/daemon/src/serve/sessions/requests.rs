//! The requests that receipts were signed for, as the journal of sessions has them: what a defence needs.

use super::engine::generated;
use crate::{
    engine::Tasks,
    job_input::{KeptRequests, RequestId},
};
use assay_ops::tensor::Tensor;
use assay_session::{JournalError, WorkerJournal, request::CheckedRequest};
use assay_types::{ModelParts, dispute::Committed, schema::ModelKind};
use futures::future::BoxFuture;
use std::path::Path;
use tokio::task::spawn_blocking;

/// File of the journal, in the folder of the store.
const JOURNAL: &str = "sessions.redb";

/// The requests of a journal.
#[derive(Clone, Debug)]
pub struct Requests {
    journal: WorkerJournal,
    /// The engine, which generates sequences again; `None` if there is none.
    tasks: Option<Tasks>,
}

impl Requests {
    /// The requests of the worker whose store is in this folder; `None` if it has never served sessions.
    pub fn there(folder: &Path, tasks: Option<Tasks>) -> Result<Option<Self>, JournalError> {
        match folder.join(JOURNAL).exists() {
            true => Self::open(folder, tasks).map(Some),
            false => Ok(None),
        }
    }

    /// As [`Self::there`], with a journal that is made if it is not there.
    pub(super) fn open(folder: &Path, tasks: Option<Tasks>) -> Result<Self, JournalError> {
        let journal = WorkerJournal::open(&folder.join(JOURNAL))?;
        Ok(Self { journal, tasks })
    }

    /// The journal.
    pub(super) fn journal(&self) -> &WorkerJournal {
        &self.journal
    }

    async fn read(
        &self,
        request: RequestId,
        committed: &Committed,
        parts: &ModelParts,
    ) -> Result<Option<Vec<Tensor>>, String> {
        let (journal, RequestId { session, sequence }) = (self.journal.clone(), request);
        let read = spawn_blocking(move || journal.request(session, sequence)).await;
        let kept = read
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let Some(kept) = kept else {
            return Ok(None);
        };
        let damaged = |error| format!("the request that is kept does not fit the model: {error}");
        let checked = CheckedRequest::of_bytes(parts, kept.symbols, kept.input).map_err(damaged)?;
        if checked.digest != committed.input_digest {
            return Ok(None);
        }
        let mut inputs = checked.inputs(parts).map_err(damaged)?;
        if parts.kind == ModelKind::Generation {
            let no_engine = || "there is no engine that generates its sequence again".to_owned();
            let tasks = self.tasks.as_ref().ok_or_else(no_engine)?;
            let sequence = generated(tasks, committed.model_root, inputs.clone()).await;
            inputs.push(sequence.map_err(|error| format!("its sequence is not generated again: {error}"))?);
        }
        Ok(Some(inputs))
    }
}

impl KeptRequests for Requests {
    fn find<'a>(
        &'a self,
        request: RequestId,
        committed: &'a Committed,
        parts: &'a ModelParts,
    ) -> BoxFuture<'a, Result<Option<Vec<Tensor>>, String>> {
        Box::pin(self.read(request, committed, parts))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::skeleton::tests::{MODEL, Tested};
    use assay_client::{
        chain::{AccountId, Balance, Session, SessionTerms},
        schema,
    };
    use assay_ops::tensor::tensors_digest;
    use assay_session::{
        SessionPair,
        journal::KeptRequest,
        server::side::{Answered, Begun, Contract, WorkerState},
        types::Place,
    };
    use assay_types::{H256, SessionAccount, SessionState};

    const BUDGET: Balance = 100;
    const TERMS: SessionTerms = SessionTerms {
        base: 1,
        rate: 0,
        min_budget: 1,
        max_budget: BUDGET,
        lock_percent: 100,
        max_blocks: 100,
        window_blocks: 100,
    };

    fn contract(session: u64, model_root: H256, pair: &SessionPair) -> Contract {
        Contract {
            place: Place {
                genesis: H256::zero(),
                session,
            },
            worker: AccountId::new([1; 32]),
            model: MODEL,
            model_root,
            terms: TERMS,
            client_key: pair.public(),
            worker_key: pair.public(),
            budget: BUDGET,
        }
    }

    /// An open session of this worker, as the chain has it.
    pub(crate) fn record(worker: AccountId) -> Session {
        let pair = SessionPair::ed25519(&[3; 32]);
        Session {
            client: AccountId::new([9; 32]),
            worker,
            model: MODEL,
            model_root: H256::zero(),
            terms: TERMS,
            client_key: pair.public(),
            worker_key: pair.public(),
            account: SessionAccount::new(BUDGET),
            locked: BUDGET,
            disputes: 0,
            state: SessionState::Open { until: 1_000 },
        }
    }

    /// The requests of a worker that has answered one, for the tested model's inputs.
    pub(crate) async fn with_one(folder: &Path, tested: &Tested, request: RequestId) -> Requests {
        let requests = Requests::open(folder, None).expect("a journal");
        let pair = SessionPair::ed25519(&[3; 32]);
        let begun = Begun {
            sequence: request.sequence,
            input_digest: H256(tensors_digest(tested.inputs())),
            tries: 1,
        };
        let state = WorkerState {
            begun: Some(begun),
            ..WorkerState::new(BUDGET, 0)
        };
        let answered = Answered {
            output_digest: tested.output_digest(),
            units: 0,
            price: 1,
            block: 1,
        };
        let contract = contract(request.session, H256(tested.package.root()), &pair);
        let step = state.finish(&contract, &answered, &pair).expect("a request was begun");
        let shapes: Vec<_> = tested
            .inputs()
            .iter()
            .map(|tensor| (tensor.dtype(), tensor.shape()))
            .collect();
        let kept = KeptRequest {
            symbols: tested.package.graph().bind(&shapes).expect("inputs that fit"),
            input: schema::payload(tested.inputs()),
        };
        let written = requests.journal.keep(request.session, step, &kept, &[]).await;
        written.expect("a journal that can be written");
        requests
    }

    #[tokio::test]
    async fn a_request_is_found_by_its_number_if_its_inputs_are_those_of_the_receipt() {
        let tested = Tested::new();
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(Requests::there(folder.path(), None).expect("nothing to open").is_none());
        let request = RequestId {
            session: 7,
            sequence: 3,
        };
        let requests = with_one(folder.path(), &tested, request).await;
        let committed = Committed {
            model_root: H256(tested.package.root()),
            input_digest: H256(tensors_digest(tested.inputs())),
            output_digest: tested.output_digest(),
        };
        let parts = tested.package.parts();
        let found = requests.find(request, &committed, parts).await;
        assert_eq!(found, Ok(Some(tested.inputs().to_vec())));
        let others = [
            RequestId { session: 8, ..request },
            RequestId { sequence: 2, ..request },
        ];
        for other in others {
            assert_eq!(requests.find(other, &committed, parts).await, Ok(None));
        }
        let of_others = Committed {
            input_digest: H256::zero(),
            ..committed
        };
        assert_eq!(requests.find(request, &of_others, parts).await, Ok(None));
    }
}
