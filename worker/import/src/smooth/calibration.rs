//! Rows that a model's linear layers take for some inputs.

use super::precision;
use assay_exact::graph::{Graph, Value};
use assay_ops::tensor::{DataType, Tensor};
use std::collections::BTreeMap;

/// Maximum number of rows with the greatest magnitudes that are kept of a node, and of rows from all over its output.
const MOST_ROWS: usize = 64;

/// Rows that the linear layers of a graph take: give it the outputs of the nodes that it [`wants`](Self::wants), for
/// inputs of the kind that the model is used with.
#[derive(Clone, Debug, Default)]
pub struct Calibration(BTreeMap<u32, Rows>);

/// Rows that a node gives.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Elements of a row.
    pub length: usize,
    /// The greatest magnitude of each column, of all rows that there were.
    pub greatest: Vec<f32>,
    /// Rows with the greatest magnitudes, with these.
    largest: Vec<(f32, Vec<f32>)>,
    /// Every so many-th row.
    spread: Vec<Vec<f32>>,
    step: usize,
    seen: usize,
}

impl Calibration {
    /// Nothing yet, for a model with this graph in any precision.
    pub fn new(graph: &Graph) -> Self {
        let layers = graph.nodes.iter().filter(|node| precision(node).is_some());
        let taken = layers.filter_map(|layer| match layer.inputs.first() {
            Some(Value::Node(node)) => Some((*node, Rows::default())),
            _ => None,
        });
        Self(taken.collect())
    }

    /// Whether linear layers take what this node gives.
    pub fn wants(&self, node: u32) -> bool {
        self.0.contains_key(&node)
    }

    /// Takes what a node gave.
    pub fn add(&mut self, node: u32, output: &Tensor) {
        let (Some(rows), Some(length)) = (self.0.get_mut(&node), output.shape().last()) else {
            return;
        };
        if output.dtype() == DataType::Float32 {
            rows.add(*length as usize, output);
        }
    }

    pub(super) fn rows(&self, node: u32) -> Option<&Rows> {
        self.0.get(&node).filter(|rows| rows.seen > 0)
    }
}

impl Rows {
    fn add(&mut self, length: usize, output: &Tensor) {
        if self.seen == 0 {
            (self.length, self.greatest, self.step) = (length, vec![0.0; length], 1);
        }
        let numbers: Vec<f32> = output
            .numbers()
            .map(|number| f32::from_bits(number.to_bits()))
            .collect();
        if length != self.length {
            return;
        }
        for row in numbers.chunks_exact(length.max(1)) {
            // A row that is not finite is all NaN in the product, whatever the exponents are.
            if row.iter().all(|number| number.is_finite()) {
                self.take(row);
            }
        }
    }

    fn take(&mut self, row: &[f32]) {
        let mut magnitude = 0.0f32;
        for (greatest, number) in self.greatest.iter_mut().zip(row) {
            *greatest = greatest.max(number.abs());
            magnitude = magnitude.max(number.abs());
        }
        let place = self.largest.partition_point(|(other, _)| *other >= magnitude);
        if place < MOST_ROWS {
            self.largest.insert(place, (magnitude, row.to_vec()));
            self.largest.truncate(MOST_ROWS);
        }
        if self.seen.is_multiple_of(self.step) {
            self.spread.push(row.to_vec());
        }
        self.seen += 1;
        if self.spread.len() > MOST_ROWS {
            let mut place = 0..;
            self.spread
                .retain(|_| place.next().is_some_and(|place: usize| place.is_multiple_of(2)));
            self.step *= 2;
        }
    }

    /// The rows that were kept.
    pub fn kept(&self) -> impl Iterator<Item = &[f32]> {
        let largest = self.largest.iter().map(|(_, row)| row.as_slice());
        largest.chain(self.spread.iter().map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_number_of_rows_is_kept_of_any_number() {
        let mut rows = Rows::default();
        for part in 0..50u32 {
            let numbers = (0..40 * 3).map(|place| ((part * 120 + place) % 997) as f32 - 400.0);
            let bytes = numbers.flat_map(f32::to_le_bytes).collect();
            let tensor = Tensor::new(DataType::Float32, vec![1, 40, 3], bytes).expect("as many numbers");
            rows.add(3, &tensor);
        }
        assert_eq!((rows.seen, rows.largest.len()), (2000, MOST_ROWS));
        assert!(
            rows.spread.len() > MOST_ROWS / 2 - 1 && rows.spread.len() <= MOST_ROWS,
            "{}",
            rows.spread.len()
        );
        assert_eq!(rows.greatest, [596.0; 3]);
        assert!(rows.largest.iter().all(|(magnitude, _)| *magnitude > 500.0));
    }
}
