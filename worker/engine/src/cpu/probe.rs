//! Known answers, which the kernels must give on this processor before it is used.

use crate::probe::{self, Kernels};
use assay_exact::quantise::Precision;
use assay_kernels::{
    elementwise::apply,
    instructions::Instructions,
    packed::Packed,
    product::linear,
    rows::{Kind, Matrix, Rows, Scaling},
    scratch::Scratch,
    threads::Threads,
};
use assay_ops::words::Function;

/// Compares products and functions with the definition; says what differs.
pub(super) fn kernels(instructions: Instructions, threads: &Threads) -> Result<(), String> {
    let on = OnProcessor { instructions, threads };
    probe::check(&on).map_err(|reason| format!("{reason} with {}", instructions.name()))
}

struct OnProcessor<'a> {
    instructions: Instructions,
    threads: &'a Threads,
}

impl Kernels for OnProcessor<'_> {
    fn product(&self, precision: Precision, [m, k, n]: [usize; 3], a: &[f32], b: &[f32]) -> Result<Vec<f32>, String> {
        let mut rows = Rows::new(self.instructions);
        rows.quantise(Matrix::new(b, k), Kind::of_second(precision.right()), Scaling::ByRow);
        let packed = Packed::new(&rows);
        let scratch = Scratch::new(self.instructions, self.threads.count());
        let mut output = vec![0.0; m * n];
        let input = (Matrix::new(a, k), Kind::of_first(precision));
        linear(self.threads, &scratch, input, &packed, None, &mut output, |_| {});
        Ok(output)
    }

    fn apply(&self, function: Function, numbers: &[f32]) -> Result<Vec<f32>, String> {
        let mut results = numbers.to_vec();
        apply(self.instructions, function, &mut results);
        Ok(results)
    }
}
