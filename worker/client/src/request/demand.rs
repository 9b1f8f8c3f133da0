//! Outputs on demand: a client that cannot get an output over the network has its worker give it on the chain, and
//! puts it together from the transactions of the blocks.

use crate::{
    chain::{Account, BlockNumber, Call, ChainError, Client, H256, MarketCall, SubmitError, Wait},
    schema,
};
use assay_ops::tensor::{Blake2b256, Tensor};
use assay_types::{
    JobId, ModelParts, SchemaError,
    delivery::{Cursor, OutputPiece},
    schema::TensorLayout,
};
use std::time::{Duration, Instant};

/// Pause between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(2);

/// Reasons for which a demanded output does not come.
#[derive(Debug, thiserror::Error)]
pub enum DemandError {
    /// The output has no size by this schema.
    #[error("it does not fit the model: {0:?}")]
    Unfit(SchemaError),
    /// The demand was refused.
    #[error("it cannot be demanded: {0}")]
    Refused(#[from] SubmitError),
    /// The chain could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The job is over without it.
    #[error("the job is over, and the output was not delivered: where it was demanded, nothing was paid for it")]
    NotDelivered,
    /// It takes longer than the client waits.
    #[error("it was demanded and is not complete yet: `assay-worker results --demand` goes on with it")]
    Patience,
}

/// An output that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The job.
    pub job: JobId,
    /// The parts of its model.
    pub parts: &'a ModelParts,
    /// Values of the schema's symbols.
    pub symbols: &'a [u32],
    /// The digest that was claimed.
    pub digest: H256,
    /// A block before the output was demanded, if it was.
    pub since: BlockNumber,
}

/// An output that comes in pieces, each held against the claimed digest.
#[derive(Clone, Debug)]
pub struct Gathering {
    layouts: Vec<TensorLayout>,
    digest: H256,
    /// The place of the next piece; none once all are there.
    next: Option<Cursor>,
    bytes: Vec<u8>,
}

impl Gathering {
    /// Of an output of which nothing is there yet.
    pub fn new(wanted: &Wanted<'_>) -> Result<Self, SchemaError> {
        Ok(Self {
            layouts: wanted.parts.schema.output_layouts(wanted.symbols)?,
            digest: wanted.digest,
            next: Some(Cursor::default()),
            bytes: Vec::new(),
        })
    }

    /// Takes a piece; false if it is not the next one, or no piece of this output at all.
    pub fn take(&mut self, piece: &OutputPiece) -> bool {
        let Some(at) = self.next else { return false };
        match piece.check::<Blake2b256>(&self.layouts, at, &self.digest.0) {
            Ok(next) => {
                self.bytes.extend_from_slice(&piece.bytes);
                self.next = next;
                true
            }
            Err(_) => false,
        }
    }

    /// The output tensors; `None` as long as a piece is missing.
    pub fn tensors(&self) -> Option<Vec<Tensor>> {
        match self.next {
            Some(_) => None,
            None => schema::tensors(&self.layouts, &self.bytes).ok(),
        }
    }
}

/// Demands an output, unless that was done before, and waits until it is complete.
pub async fn demand(
    client: &Client,
    account: &Account,
    wanted: Wanted<'_>,
    patience: Duration,
) -> Result<Vec<Tensor>, DemandError> {
    let mut gathering = Gathering::new(&wanted).map_err(DemandError::Unfit)?;
    let (job, begun) = (wanted.job, Instant::now());
    let best = client.best().await?;
    let mut read = wanted.since;
    if let Some(known) = best.job(job).await?
        && !known.kept.demand
        && !known.kept.delivered
    {
        read = best.number();
        let call = Call::Market(MarketCall::DemandOutput { job });
        account.send(call, Wait::InBlock).await?;
    }
    loop {
        let head = client.finalized().await?;
        while read < head.number() {
            read = read.saturating_add(1);
            for piece in client.past_pieces(read, job).await? {
                gathering.take(&piece);
            }
            if let Some(tensors) = gathering.tensors() {
                return Ok(tensors);
            }
        }
        // A demand that is not final yet is not seen, and neither is what it does.
        let known = head.job(job).await?;
        if known.is_none_or(|known| known.kept.delivered) {
            return Err(DemandError::NotDelivered);
        }
        if begun.elapsed() > patience {
            return Err(DemandError::Patience);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::DataType;

    fn layouts() -> Vec<TensorLayout> {
        let layout = |elements: u32| TensorLayout {
            data_type: DataType::Float32,
            shape: vec![elements],
            bytes: u64::from(elements) * 4,
        };
        vec![layout(20_000), layout(3)]
    }

    fn gathering(output: &[u8]) -> Gathering {
        Gathering {
            layouts: layouts(),
            digest: schema::digest(&layouts(), output).expect("the right size"),
            next: Some(Cursor::default()),
            bytes: Vec::new(),
        }
    }

    /// All pieces of an output, in order.
    fn pieces(output: &[u8]) -> Vec<OutputPiece> {
        let (mut at, mut pieces) = (Some(Cursor::default()), Vec::new());
        while let Some(here) = at {
            let piece = OutputPiece::at::<Blake2b256>(&layouts(), output, here).expect("there is more");
            at = piece.end(&layouts(), here);
            pieces.push(piece);
        }
        pieces
    }

    #[test]
    fn an_output_is_put_together_from_its_pieces() {
        let output: Vec<u8> = (0..80_012u32).map(|byte| byte as u8).collect();
        let mut gathering = gathering(&output);
        for piece in pieces(&output) {
            assert_eq!(gathering.tensors(), None);
            assert!(gathering.take(&piece));
        }
        let tensors = gathering.tensors().expect("all pieces are there");
        assert_eq!(schema::payload(&tensors), output);
    }

    #[test]
    fn what_is_no_next_piece_changes_nothing() {
        let output = vec![3; 80_012];
        let mut gathering = gathering(&output);
        let pieces = pieces(&output);
        assert!(!gathering.take(&pieces[1]));
        let mut lie = pieces[0].clone();
        lie.bytes[0] ^= 1;
        assert!(!gathering.take(&lie));
        assert!(gathering.take(&pieces[0]));
        assert!(!gathering.take(&pieces[0]), "it is there already");
    }
}
