//! The same numbers in another order: permutations, slices and repetitions, as strides over a tensor.

/// Columns and rows of a block that is turned at once: its lines stay in the first cache.
const BLOCK: usize = 16;

/// Writes the elements of a view, in row-major order, to `to`: `to[i, j, …] = from[offset + i·strides[0] + j·strides[1] + …]`.
///
/// # Panics
///
/// If `to` has another number of elements than the shape, or the view leaves `from`.
pub fn gather<T: Copy>(from: &[T], offset: usize, shape: &[usize], strides: &[usize], to: &mut [T]) {
    assert_eq!(shape.len(), strides.len(), "one stride for each dimension");
    assert_eq!(shape.iter().product::<usize>(), to.len(), "no place for the elements");
    if !to.is_empty() {
        gather_part(from, offset, shape, strides, to);
    }
}

/// The strides of row-major order.
pub fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for index in (1..shape.len()).rev() {
        strides[index - 1] = strides[index] * shape[index];
    }
    strides
}

/// Reads little-endian numbers.
///
/// # Panics
///
/// If there are not four bytes for each number.
pub fn read_bytes(bytes: &[u8], to: &mut [f32]) {
    assert_eq!(bytes.len(), to.len() * 4, "four bytes for each number");
    for (number, word) in to.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *number = f32::from_le_bytes(*word);
    }
}

/// The numbers as little-endian bytes.
pub fn to_bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn gather_part<T: Copy>(from: &[T], offset: usize, shape: &[usize], strides: &[usize], to: &mut [T]) {
    match (shape, strides) {
        ([], []) => to[0] = from[offset],
        ([_], [1]) => to.copy_from_slice(&from[offset..offset + to.len()]),
        ([_], [0]) => to.fill(from[offset]),
        ([_], [stride]) => {
            for (to, from) in to.iter_mut().zip(from[offset..].iter().step_by(*stride)) {
                *to = *from;
            }
        }
        ([rows, columns], [1, stride]) if *stride > 0 => turn(&from[offset..], *rows, *columns, *stride, to),
        ([_, shape @ ..], [stride, strides @ ..]) => {
            for (index, to) in to.chunks_exact_mut(shape.iter().product()).enumerate() {
                gather_part(from, offset + index * stride, shape, strides, to);
            }
        }
        _ => {}
    }
}

/// `to[i, j] = from[i + j·stride]`, block by block.
fn turn<T: Copy>(from: &[T], rows: usize, columns: usize, stride: usize, to: &mut [T]) {
    for first in (0..columns).step_by(BLOCK) {
        let width = BLOCK.min(columns - first);
        for start in (0..rows).step_by(BLOCK) {
            let height = BLOCK.min(rows - start);
            for j in first..first + width {
                let column = &from[start + j * stride..][..height];
                for (i, x) in column.iter().enumerate() {
                    to[(start + i) * columns + j] = *x;
                }
            }
        }
    }
}
