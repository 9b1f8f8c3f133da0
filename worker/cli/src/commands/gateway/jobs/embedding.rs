//! Embeddings as jobs: a job for each input, all submitted together.

use super::{Jobs, prepare_several, price_of};
use crate::commands::gateway::{
    catalogue::{Known, unreached},
    embedding::Made,
};
use assay_client::request::Prepared;
use assay_gateway::{backend::BackendError, money::Amount};
use assay_text::inputs::JobInput;
use std::collections::BTreeMap;

impl Jobs {
    /// Buys an execution of a plain model on each of these inputs, for this price at most together. A job on chain
    /// cannot be taken back, so that a stop saves nothing.
    pub async fn execute(
        &self,
        known: &Known,
        inputs: &[JobInput],
        max_price: Amount,
    ) -> Result<Vec<Made>, BackendError> {
        let snapshot = self.client.finalized().await.map_err(unreached)?;
        let mut prepared: Vec<(usize, Prepared)> = Vec::with_capacity(inputs.len());
        for (_, group) in by_size(inputs) {
            let of_group: Vec<JobInput> = group.iter().map(|(_, input)| (*input).clone()).collect();
            let requests = prepare_several(&snapshot, known, &of_group, None).await?;
            prepared.extend(group.into_iter().map(|(index, _)| index).zip(requests));
        }
        prepared.sort_by_key(|(index, _)| *index);
        let requests: Vec<Prepared> = prepared.into_iter().map(|(_, request)| request).collect();
        let ceilings = requests.iter().map(|request| request.request.ceiling);
        let total = ceilings.fold(0u128, u128::saturating_add);
        if total > max_price.0 {
            return Err(BackendError::Unavailable {
                reason: "the workers ask for more than a moment ago: ask again".to_owned(),
                retry_after: 1,
            });
        }
        let outcomes = self.followed(known, requests, snapshot.number()).await?;
        if outcomes.len() != inputs.len() {
            return Err(BackendError::Timeout(
                "not every input was submitted as a job: ask again with fewer inputs".to_owned(),
            ));
        }
        let made = outcomes.into_iter().map(|outcome| {
            let price = price_of(&outcome);
            let outputs = outcome.outputs.filter(|_| outcome.digest_matches == Some(true));
            let outputs =
                outputs.ok_or_else(|| BackendError::Failed(format!("job {}: {}", outcome.job, outcome.result)))?;
            Ok(Made {
                outputs,
                worker: outcome.worker.unwrap_or_default(),
                price,
                receipt: outcome.job.to_string(),
                is_drawn: false,
            })
        });
        made.collect()
    }
}

/// The inputs with their positions, by the number of their bytes: those of one number have one price.
fn by_size(inputs: &[JobInput]) -> BTreeMap<usize, Vec<(usize, &JobInput)>> {
    let mut groups: BTreeMap<usize, Vec<(usize, &JobInput)>> = BTreeMap::new();
    for (index, input) in inputs.iter().enumerate() {
        let bytes = input.tensors.iter().map(|tensor| tensor.bytes().len()).sum();
        groups.entry(bytes).or_default().push((index, input));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::gateway::embedding::tests::tokens;

    #[test]
    fn inputs_of_one_length_are_priced_together_and_keep_their_positions() {
        let input = |length: usize| JobInput {
            name: "input".to_owned(),
            tensors: vec![tokens(length)],
            label: None,
        };
        let inputs = [input(3), input(1), input(3)];
        let groups = by_size(&inputs);
        let positions: Vec<(usize, Vec<usize>)> = groups
            .into_iter()
            .map(|(bytes, group)| (bytes, group.into_iter().map(|(index, _)| index).collect()))
            .collect();
        assert_eq!(positions, [(8, vec![1]), (24, vec![0, 2])]);
    }
}
