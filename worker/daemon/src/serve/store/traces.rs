//! Digests of traces: with them, most of a dispute is answered after a restart without executing the job again.

use super::{Store, StoreError, there};
use assay_client::chain::H256;
use assay_exact::{digest::Digest, trace::Trace};
use codec::{DecodeAll, Encode};
use redb::{ReadableTable, TableDefinition};

/// Root of the model and digest of the inputs, one after the other.
type Key = [u8; 64];

/// Number of the record, and the digests.
const TRACES: TableDefinition<'_, Key, (u64, &[u8])> = TableDefinition::new("traces");
/// Keys by number: the lowest was written first.
const ORDER: TableDefinition<'_, u64, (Key, u64)> = TableDefinition::new("traces-in-order");
/// Maximum bytes of all digests.
pub(super) const MAX_BYTES: u64 = 256 << 20;

impl Store {
    /// Writes the digests of an execution down, in place of the oldest ones if there is no room.
    pub fn keep_trace(&self, model: H256, input: H256, trace: &Trace) -> Result<(), StoreError> {
        self.keep_trace_within(model, input, trace, MAX_BYTES)
    }

    pub(super) fn keep_trace_within(
        &self,
        model: H256,
        input: H256,
        trace: &Trace,
        most: u64,
    ) -> Result<(), StoreError> {
        let bytes = (&trace.inputs, &trace.nodes, &trace.outputs, &trace.symbols).encode();
        let size = bytes.len() as u64;
        if size > most {
            return Ok(());
        }
        self.write(|transaction| {
            let (mut traces, mut order) = (transaction.open_table(TRACES)?, transaction.open_table(ORDER)?);
            let before = traces.remove(key(model, input))?.map(|record| record.value().0);
            if let Some(number) = before {
                order.remove(number)?;
            }
            let mut total = 0;
            for entry in order.iter()? {
                total += entry?.1.value().1;
            }
            while total + size > most
                && let Some((_, oldest)) = order.pop_first()?
            {
                let (key, bytes) = oldest.value();
                traces.remove(key)?;
                total -= bytes;
            }
            let number = order.last()?.map_or(0, |(number, _)| number.value() + 1);
            order.insert(number, (key(model, input), size))?;
            traces.insert(key(model, input), (number, bytes.as_slice()))?;
            Ok(())
        })
    }

    /// The digests of an execution, if they are kept.
    pub fn trace(&self, model: H256, input: H256) -> Result<Option<Trace>, StoreError> {
        let bytes = self.read(|transaction| {
            let Some(traces) = there(transaction.open_table(TRACES))? else {
                return Ok(None);
            };
            Ok(traces.get(key(model, input))?.map(|record| record.value().1.to_vec()))
        })?;
        // A record that cannot be read is as good as none: the trace is made again.
        Ok(bytes.and_then(|bytes| decode(&bytes)))
    }
}

fn decode(bytes: &[u8]) -> Option<Trace> {
    type Record = (Vec<Digest>, Vec<Digest>, Vec<Digest>, Vec<u32>);
    let (inputs, nodes, outputs, symbols) = Record::decode_all(&mut &*bytes).ok()?;
    Some(Trace {
        inputs,
        nodes,
        outputs,
        symbols,
    })
}

fn key(model: H256, input: H256) -> Key {
    let mut key = [0; 64];
    key[..32].copy_from_slice(&model.0);
    key[32..].copy_from_slice(&input.0);
    key
}
