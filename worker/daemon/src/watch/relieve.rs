//! Takes the unclaimed jobs of a convicted worker from it, so that their clients need not wait for its deadlines.

use assay_client::chain::{
    Account, AccountId, BlockNumber, Call, ChainError, Job, JobState, MarketCall, StateView, Wait,
};
use assay_types::JobId;
use std::sync::Arc;

/// Has the jobs that this worker has and has not claimed given to others, if a slash of it is pending or its stake is
/// below the least.
pub(super) async fn relieve(worker: AccountId, snapshot: Arc<impl StateView>, account: Account) {
    let due = match due(&worker, &*snapshot).await {
        Ok(due) => due,
        Err(error) => return tracing::warn!(%worker, %error, "whether the worker has other jobs is not known"),
    };
    for job in due {
        match account
            .send(Call::Market(MarketCall::Reassign { job }), Wait::InBlock)
            .await
        {
            Ok(_) => tracing::info!(job, %worker, "the job goes to another worker"),
            // It has been claimed, or somebody else was faster.
            Err(error) => tracing::debug!(job, %error, "the job stays where it is"),
        }
    }
}

async fn due(worker: &AccountId, snapshot: &impl StateView) -> Result<Vec<JobId>, ChainError> {
    let least = snapshot.constants()?.min_stake;
    let info = snapshot.worker(worker).await?;
    if info.is_some_and(|info| info.stake >= least && info.slashing == 0) {
        return Ok(Vec::new());
    }
    Ok(unclaimed(worker, &snapshot.jobs_of(worker).await?, snapshot.now()))
}

/// The jobs that the worker still has to claim, and that a call in the next block finds before their deadlines.
fn unclaimed(worker: &AccountId, jobs: &[(JobId, Job)], best: BlockNumber) -> Vec<JobId> {
    let has = |job: &Job| match &job.state {
        JobState::Assigned { assignment, deadline } => assignment.worker == *worker && best < *deadline,
        _ => false,
    };
    jobs.iter().filter(|(_, job)| has(job)).map(|(id, _)| *id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::{Assignment, Delivery, H256, ModelVersion};

    fn job(worker: &AccountId, deadline: Option<BlockNumber>) -> Job {
        let assignment = Assignment {
            worker: worker.clone(),
            price: 1,
            locked: 10,
            hazard: 0,
        };
        Job {
            client: AccountId::new([9; 32]),
            model: ModelVersion { model: 0, version: 1 },
            input_digest: H256::zero(),
            symbols: Default::default(),
            work: 0,
            ceiling: 1,
            deadline_blocks: 5,
            window_blocks: 5,
            delivery: Delivery::Digest,
            submitted_at: 1,
            tried: Default::default(),
            kept: Default::default(),
            state: match deadline {
                Some(deadline) => JobState::Assigned { assignment, deadline },
                None => JobState::Claimed {
                    assignment,
                    output_digest: H256::zero(),
                    window_until: 9,
                },
            },
        }
    }

    #[test]
    fn only_unclaimed_jobs_of_the_worker_within_their_deadlines_are_taken() {
        let [worker, other] = [AccountId::new([1; 32]), AccountId::new([2; 32])];
        let jobs = [
            (3, job(&worker, Some(8))),
            (4, job(&worker, None)),
            (5, job(&other, Some(8))),
            (6, job(&worker, Some(7))),
        ];
        assert_eq!(unclaimed(&worker, &jobs, 7), [3]);
    }
}
