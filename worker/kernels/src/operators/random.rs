//! Numbers as good as random.

use crate::{array::Array, context::Context, elementwise::Operand, view::zip_three};
use assay_exact::operators::odd_numerator;
use assay_ops::layout::Dims;

/// `2^-24`.
const STEP: f32 = 1.0 / (1u32 << 24) as f32;

/// The numbers of keys, counters and lanes, all three repeated to `shape`.
pub fn random(context: &mut Context<'_>, [key, counter, lane]: [&Array; 3], shape: Dims) -> Option<Array> {
    let places = [key, counter, lane].map(|array| array.view::<i64>()?.repeated(shape));
    let [key, counter, lane] = places;
    let (key, counter, lane) = (key?, counter?, lane?);
    let mut output = context.buffers.numbers(shape.elements());
    zip_three(
        context.threads,
        (&key, &counter, &lane),
        &mut output,
        |key, counter, lane, to| {
            for (index, to) in to.iter_mut().enumerate() {
                let numerator = odd_numerator(at(&key, index), at(&counter, index), at(&lane, index));
                // Below 2^24, so exact.
                *to = numerator as f32 * STEP;
            }
        },
    );
    Some(Array::new(shape, output))
}

fn at(operand: &Operand<'_, i64>, index: usize) -> i64 {
    match operand {
        Operand::Each(elements) => elements[index],
        Operand::All(element) => *element,
    }
}
