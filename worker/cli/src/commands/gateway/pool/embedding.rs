//! Embeddings in sessions: a request for each input, one after the other.

use super::{Pool, refused};
use crate::commands::gateway::{catalogue::Known, embedding::Made};
use assay_gateway::{
    backend::{BackendError, Stop},
    money::Amount,
};
use assay_session::{
    SessionError,
    request::{CheckedRequest, RequestError},
};
use assay_text::inputs::JobInput;
use std::sync::Arc;

impl Pool {
    /// Executes a plain model on these inputs, until it is told to stop.
    pub async fn execute(
        &self,
        known: Arc<Known>,
        inputs: Vec<JobInput>,
        stop: Stop,
    ) -> Result<Vec<Made>, BackendError> {
        let pool = self.clone();
        // A session that is taken goes back, whatever becomes of whoever asked.
        let executing = tokio::spawn(async move { pool.execute_all(&known, &inputs, &stop).await });
        let broken = |_| BackendError::Failed("the executions broke off".to_owned());
        executing.await.map_err(broken)?
    }

    async fn execute_all(&self, known: &Known, inputs: &[JobInput], stop: &Stop) -> Result<Vec<Made>, BackendError> {
        let (version, parts) = (known.model.version, &known.model.record.parts);
        let requests = inputs.iter().map(|input| CheckedRequest::plain(parts, &input.tensors));
        let requests: Vec<CheckedRequest> = requests
            .collect::<Result<_, _>>()
            .map_err(|error: RequestError| refused(error.into()))?;
        let mut held = self.take(version).await?;
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            if stop.is_stopped() {
                break;
            }
            let mut is_new = false;
            let answer = loop {
                let asked = held.session.ask(request.clone()).await;
                match asked {
                    Ok(answer) => break answer,
                    Err(SessionError::Budget { price }) => {
                        held = self.cover(version, held, price, &mut is_new).await?;
                    }
                    Err(error) => {
                        self.put_away(held).await;
                        return Err(refused(error));
                    }
                }
            };
            answers.push(Made {
                worker: answer.worker.to_string(),
                price: Amount(answer.price),
                receipt: self.remember(known, &request, &answer).await,
                is_drawn: answer.is_drawn,
                outputs: answer.outputs,
            });
        }
        self.put_back(version, held).await;
        Ok(answers)
    }
}
