//! The descent of a game: the places that it has come through, which are those that whoever plays it has to have
//! read.

use assay_exact::judge::TensorOpening;
use assay_types::dispute::{Place, window};

/// The descent from the top of the trace to `place`, both ends included. `None` if the trees have no such place.
///
/// `operators` is the number of the graph's operators, `tensor` what the game has gone into, for places within one.
pub fn descent(place: &Place, operators: u32, tensor: Option<&TensorOpening>) -> Option<Vec<Place>> {
    let (mut at, mut passed) = (Place::Trace, vec![Place::Trace]);
    // Levels go down with every step, so this ends.
    while at != *place {
        let level = window(&at, operators, tensor)?.level;
        at = below(&at, level, place)?;
        passed.push(at);
    }
    Some(passed)
}

/// The place below `at`, whose nodes are of this level, on the way to `target`.
fn below(at: &Place, level: u32, target: &Place) -> Option<Place> {
    let ancestor = |of: u32, index: u64| Some(index.checked_shr(level.checked_sub(of)?).unwrap_or(0));
    match at {
        Place::Trace | Place::TraceSpan { .. } if level == 0 => {
            target.operator().map(|operator| Place::Tensor { operator })
        }
        Place::Trace | Place::TraceSpan { .. } => {
            let index = match *target {
                Place::TraceSpan { level: of, index } => ancestor(of, index)?,
                _ => ancestor(0, target.operator()?.into())?,
            };
            Some(Place::TraceSpan { level, index })
        }
        Place::Tensor { operator } | Place::TensorSpan { operator, .. } => match *target {
            Place::Chunk { chunk, .. } if level == 0 => Some(Place::Chunk {
                operator: *operator,
                chunk,
            }),
            Place::Chunk { chunk, .. } => Some(Place::TensorSpan {
                operator: *operator,
                level,
                index: ancestor(0, chunk)?,
            }),
            Place::TensorSpan { level: of, index, .. } if level > 0 => Some(Place::TensorSpan {
                operator: *operator,
                level,
                index: ancestor(of, index)?,
            }),
            _ => None,
        },
        Place::Chunk { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_exact::{
        bounded::Bounded,
        digest::DataType,
        judge::{OpenedOperator, Shape},
    };
    use assay_types::dispute::{PlaceKind, Revealed, point};

    /// Points at `choose(entries)` until a chunk is reached, as the chain does it; the places on the way.
    fn descend(operators: u32, tensor: &TensorOpening, choose: impl Fn(u32) -> u32) -> Vec<Place> {
        let (mut place, mut way) = (Place::Trace, vec![Place::Trace]);
        while place.kind() != PlaceKind::Chunk {
            let inside = place.operator().map(|_| tensor);
            let count = window(&place, operators, inside).expect("the place is there").count;
            let nodes = Bounded::new(vec![[7; 32]; count as usize]).expect("a statement's worth");
            let revealed = match place.kind() {
                PlaceKind::Tensor => Revealed::Tensor {
                    operator: OpenedOperator {
                        node: Bounded::default(),
                        operands: Bounded::default(),
                    },
                    output: tensor.clone(),
                    nodes,
                },
                _ => Revealed::Nodes(nodes),
            };
            let entry = choose(count as u32);
            (place, _) = point(&place, &revealed, operators, inside, entry).expect("the entry is there");
            way.push(place);
        }
        way
    }

    #[test]
    fn a_descent_is_the_one_that_pointing_takes() {
        for (operators, elements) in [(37, 5_000), (1, 1), (1_025, 2 << 20), (3_000_000, 700 << 20)] {
            let tensor = TensorOpening {
                dtype: DataType::Uint8,
                shape: Shape::new(vec![elements]).expect("one dimension"),
                root: [0; 32],
            };
            let choices: [fn(u32) -> u32; 3] = [|_| 0, |count| count - 1, |count| count / 3];
            for choose in choices {
                let taken = descend(operators, &tensor, choose);
                for (steps, place) in taken.iter().enumerate() {
                    let inside = place.operator().map(|_| &tensor);
                    assert_eq!(
                        super::descent(place, operators, inside).as_deref(),
                        Some(&taken[..=steps]),
                        "{place:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn there_is_no_descent_to_a_place_that_statements_do_not_stop_at() {
        assert_eq!(descent(&Place::TraceSpan { level: 1, index: 0 }, 37, None), None);
        assert_eq!(descent(&Place::TraceSpan { level: 2, index: 0 }, 1_500, None), None);
        assert_eq!(descent(&Place::Chunk { operator: 0, chunk: 0 }, 37, None), None);
    }
}
