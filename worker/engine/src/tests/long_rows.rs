//! Rows that are longer than a warp, and than what GPUs compare each with each.

use super::{Random, case::Case, check, cpu, cuda, given::integers, reference};
use crate::Engine;
use assay_exact::graph::{Operator, Value};
use assay_ops::tensor::{DataType, Tensor};

const ROWS: u32 = 3;
const LENGTHS: [u32; 8] = [31, 32, 33, 128, 129, 200, 700, 1_500];

/// Rows whose magnitudes grow, so that sums are on ever coarser grids.
fn growing(case: &mut Case, random: &mut Random, length: u32) -> Value {
    let mut bytes = Vec::new();
    for _ in 0..ROWS {
        for place in 0..length {
            let exponent = 7 + place * 240 / length;
            let number = f32::from_bits(exponent << 23) * (random.below(7) as f32 - 3.0);
            bytes.extend(number.to_le_bytes());
        }
    }
    let tensor = Tensor::new(DataType::Float32, vec![ROWS, length], bytes).expect("as many numbers");
    case.tensor(random, tensor)
}

#[test]
fn sums_and_places_of_long_rows_are_those_of_the_reference() {
    let mut random = Random(33);
    let (cpu, cuda) = (cpu(2), cuda());
    for (number, length) in (0..).zip(LENGTHS) {
        for kind in 0..4 {
            let mut case = Case::default();
            let shape = [ROWS, length];
            let input = match kind {
                0 => growing(&mut case, &mut random, length),
                1 => integers(&mut case, &mut random, DataType::Int64, &shape),
                2 => integers(&mut case, &mut random, DataType::Int8, &shape),
                _ => case.view(&mut random, &shape),
            };
            let sums = case.node(Operator::CumSum, vec![input]);
            case.output(sums);
            for largest in [false, true] {
                let count = 1 + random.below(u64::from(length)) as u32;
                let places = case.node(Operator::TopK { count, largest }, vec![input]);
                case.output(places);
            }
            let (package, job) = case.finish();
            let expected = reference(&package, &job);
            for engine in [&cpu as &dyn Engine, &cuda] {
                check(engine, &package, &job, &expected, number);
            }
        }
    }
}
