//! Contractions: rows quantised to integers, products of them, and what is made of these.

use super::{
    Failure,
    elements::{apply, combine, function_code},
    fit, normalise,
    packed::{Integers, MAX_PLANES, Packed, Scaling},
    row_scale,
    rows::softmax,
};
use crate::{
    array::Array,
    memory::Buffer,
    parameters::{MAX_FUNCTIONS, Parameters},
    queue::{Queue, Route},
};
use assay_exact::{
    digest::DataType,
    quantise::{Bits, Precision},
};
use assay_ops::{
    layout::Dims,
    words::{Form, Function, Layer, Masking, Operation, WholeAttention},
};
use std::slice;

/// Rows and columns of the tile that a block computes.
const TILE: usize = 64;
/// Up to this many rows, each column is multiplied by a warp of its own.
const FEW_ROWS: usize = 8;

/// Parameters of a product besides its operands.
struct Product<'a> {
    /// Matrices, and rows and columns of each.
    batch: usize,
    rows: usize,
    columns: usize,
    /// Whether there is one second operand for all matrices.
    shared: bool,
    bias: Option<&'a Array>,
    functions: &'a [Function],
    /// The batch is `[…, heads]`; strides of the result for the outer dimensions, the heads and the rows.
    heads: usize,
    strides: [usize; 3],
}

impl Product<'_> {
    /// Writes `a · bᵀ`.
    fn execute(&self, queue: &Queue, a: &Packed, b: &Packed, to: &Array) -> Result<(), Failure> {
        let second_rows = if self.shared { 1 } else { self.batch } * self.columns;
        let fits = a.length == b.length
            && a.rows == self.batch * self.rows
            && b.rows == second_rows
            && to.len() == self.batch * self.rows * self.columns
            && self.bias.is_none_or(|bias| bias.shape() == [self.columns]);
        let (Some(a_scales), true) = (&a.scales, fits && self.functions.len() <= MAX_FUNCTIONS) else {
            return Err(Failure::Misfit);
        };
        let few = self.rows <= FEW_ROWS;
        let made;
        let (planes, groups): (Vec<&Buffer>, _) = match &b.integers {
            // Of a weight in groups, there is one for all matrices, and matrices are put together.
            Integers::Groups(_) if self.batch != 1 => return Err(Failure::Misfit),
            Integers::Groups(groups) if few => (Vec::new(), Some(groups)),
            Integers::Groups(groups) => {
                made = groups.planes(queue, b)?;
                (made.iter().collect(), None)
            }
            integers => (integers.planes().into_iter().flatten().collect(), None),
        };
        let codes: Vec<u64> = self.functions.iter().copied().map(function_code).collect();
        let bias = self.bias.map(|bias| bias.contiguous(queue)).transpose()?;
        let [batch_stride, head_stride, row_stride] = self.strides;
        let [a_high, a_low] = a.integers.planes();
        let mut parameters = Parameters::default()
            .count(self.batch)
            .count(self.rows)
            .count(self.columns)
            .count(a.stride)
            .optional(a_high)
            .optional(a_low)
            .address(a_scales);
        for plane in 0..MAX_PLANES {
            parameters = parameters.optional(planes.get(plane).copied());
        }
        let parameters = parameters
            .optional(b.scales.as_deref())
            .word(u64::from(self.shared))
            .optional(bias.as_ref().map(|bias| &*bias.buffer))
            .address(&to.buffer)
            .count(self.heads)
            .count(batch_stride)
            .count(head_stride)
            .count(row_stride)
            .functions(&codes);
        let elements = (a.rows.max(b.rows) * a.stride).max(to.len());
        if let Some(groups) = groups {
            let parameters = groups.add_to(parameters, b.length);
            queue.for_rows("product_of_few_rows_with_groups", self.columns, elements, parameters)?;
            return Ok(());
        }
        let kernel = fit(kernel(a.integers.first_planes(), planes.len(), queue.route()))?;
        if few {
            queue.for_rows("product_of_few_rows", self.batch * self.columns, elements, parameters)?;
            return Ok(());
        }
        let tiles = self.rows.div_ceil(TILE) * self.columns.div_ceil(TILE);
        Ok(queue.blocks(kernel, self.batch * tiles, elements, parameters)?)
    }
}

/// The kernel that multiplies tiles of operands with this many planes.
fn kernel(first: Option<usize>, second: usize, route: Route) -> Option<&'static str> {
    Some(match (first?, second, route) {
        (1, 1, Route::TensorCores) => "product_8_tensor_cores",
        (1, 1, Route::Lanes) => "product_8_lanes",
        (2, 1, Route::TensorCores) => "product_16_8_tensor_cores",
        (2, 1, Route::Lanes) => "product_16_8_lanes",
        (2, 2, Route::TensorCores) => "product_16_tensor_cores",
        (2, 2, Route::Lanes) => "product_16_lanes",
        (1, 3, Route::TensorCores) => "product_8_by_3_planes_tensor_cores",
        (1, 3, Route::Lanes) => "product_8_by_3_planes_lanes",
        (2, 3, Route::TensorCores) => "product_16_by_3_planes_tensor_cores",
        (2, 3, Route::Lanes) => "product_16_by_3_planes_lanes",
        (1, 4, Route::TensorCores) => "product_8_by_4_planes_tensor_cores",
        (1, 4, Route::Lanes) => "product_8_by_4_planes_lanes",
        (2, 4, Route::TensorCores) => "product_16_by_4_planes_tensor_cores",
        (2, 4, Route::Lanes) => "product_16_by_4_planes_lanes",
        _ => return None,
    })
}

/// Input, what the weight is made of, and a bias or none, and then functions of each number; the weight packed already,
/// or not. The rows of the input have this many bits.
pub fn linear_layer(
    queue: &Queue,
    packed: Option<&Packed>,
    (bits, form): (Bits, Form),
    operands: &[Array],
    functions: &[Function],
    shape: Dims,
) -> Result<Array, Failure> {
    let (input, others) = fit(operands.split_first())?;
    let (weight, bias) = fit(others.split_at_checked(form.operands()))?;
    let own;
    let packed = match packed {
        Some(packed) => packed,
        None => {
            own = Packed::of_values(queue, weight, form)?;
            &own
        }
    };
    let rows = Packed::new(queue, input, bits)?;
    let mut output = Array::new(queue, DataType::Float32, shape)?;
    let (now, later) = functions.split_at(functions.len().min(MAX_FUNCTIONS));
    let product = Product {
        batch: 1,
        rows: rows.rows,
        columns: packed.rows,
        shared: true,
        bias: bias.first(),
        functions: now,
        heads: 1,
        strides: [0, 0, packed.rows],
    };
    product.execute(queue, &rows, packed, &output)?;
    if later.is_empty() {
        return Ok(output);
    }
    apply(queue, later, &mut output)
}

/// Layers that each row passes by itself, the first of which is linear. `packed` has the weight of each linear one, or
/// nothing where that is not packed yet.
pub fn layers(
    queue: &Queue,
    packed: &[Option<&Packed>],
    layers: &[Layer],
    operands: &[Array],
    shape: Dims,
) -> Result<Array, Failure> {
    let (input, mut operands) = fit(operands.split_first())?;
    let mut packed = packed.iter();
    let mut rows = input.clone();
    let mut rest = layers;
    while let Some((layer, mut after)) = rest.split_first() {
        let (taken, left) = fit(operands.split_at_checked(layer.operands()))?;
        operands = left;
        rows = match *layer {
            Layer::Linear { precision, .. } | Layer::QuantisedLinear { precision, .. } => {
                let form = fit(layer.form())?;
                let functions: Vec<Function> = after.iter().map_while(function_of).collect();
                after = &after[functions.len()..];
                let packed = *fit(packed.next())?;
                let columns = match packed {
                    Some(packed) => packed.rows,
                    None => *fit(fit(taken.first())?.shape().first())?,
                };
                let mut wide = rows.layout.shape;
                wide.pop();
                wide.push(columns);
                let of_layer = [slice::from_ref(&rows), taken].concat();
                linear_layer(queue, packed, (precision.left(), form), &of_layer, &functions, wide)?
            }
            Layer::Apply(function) => apply(queue, &[function], &mut rows)?,
            Layer::Add => combine(queue, Operation::Add, &rows, fit(taken.first())?, rows.layout.shape)?,
            Layer::Normalise(normalisation, _) => {
                let mut of_layer = [slice::from_ref(&rows), taken].concat();
                normalise(queue, normalisation, &mut of_layer)?
            }
        };
        rest = after;
    }
    if rows.layout.shape == shape {
        Ok(rows)
    } else {
        Err(Failure::Misfit)
    }
}

fn function_of(layer: &Layer) -> Option<Function> {
    match layer {
        Layer::Apply(function) => Some(*function),
        _ => None,
    }
}

/// Matrices of the last two dimensions: how many, their rows and their length.
fn matrices(array: &Array) -> Result<[usize; 3], Failure> {
    let [outer @ .., rows, length] = array.shape() else {
        return Err(Failure::Misfit);
    };
    Ok([outer.iter().product(), *rows, *length])
}

/// Batches of products, one after the other in row-major order.
fn in_order<'a>([batch, rows, columns]: [usize; 3]) -> Product<'a> {
    Product {
        batch,
        rows,
        columns,
        shared: false,
        bias: None,
        functions: &[],
        heads: 1,
        strides: [rows * columns, 0, columns],
    }
}

/// `[…, M, K]` and `[…, N, K]`.
pub fn matmul(queue: &Queue, precision: Precision, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
    let [a, b] = operands else {
        return Err(Failure::Misfit);
    };
    let ([batch, rows, _], [_, columns, _]) = (matrices(a)?, matrices(b)?);
    let output = Array::new(queue, DataType::Float32, shape)?;
    let (a, b) = (
        Packed::new(queue, a, precision.left())?,
        Packed::new(queue, b, precision.right())?,
    );
    in_order([batch, rows, columns]).execute(queue, &a, &b, &output)?;
    Ok(output)
}

/// Weights `[…, M, T]`, values `[…, D, T]`, scales `[…, T]`.
pub fn weighted_sum(queue: &Queue, precision: Precision, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
    let [weights, values, scales] = operands else {
        return Err(Failure::Misfit);
    };
    let sizes = matrices(values)?;
    let output = Array::new(queue, DataType::Float32, shape)?;
    let [batch, rows, _] = matrices(weights)?;
    let product = in_order([batch, rows, sizes[1]]);
    weigh(queue, precision, [weights, values, scales], &product, &output)?;
    Ok(output)
}

fn weigh(
    queue: &Queue,
    precision: Precision,
    [weights, values, scales]: [&Array; 3],
    product: &Product<'_>,
    output: &Array,
) -> Result<(), Failure> {
    let ([batch, rows, length], [of_batch, columns, of_length]) = (matrices(weights)?, matrices(values)?);
    if [of_batch, of_length] != [batch, length] || scales.len() != batch * length {
        return Err(Failure::Misfit);
    }
    if scales.dtype != DataType::Float32 {
        return Err(Failure::Misfit);
    }
    let values = Packed::scaled(queue, values, precision.right(), Scaling::Column(scales, columns))?;
    let weights = Packed::scaled(queue, weights, precision.left(), Scaling::RowAfter(scales, rows))?;
    product.execute(queue, &weights, &values, output)
}

/// Queries, keys, values, and what masks the scores. The result is laid out with the heads of a row next to each other,
/// as the next layer takes them, and seen as `[batch, heads, M, D]`.
pub fn attention(queue: &Queue, attention: &WholeAttention, operands: &[Array], shape: Dims) -> Result<Array, Failure> {
    let [query, key, value, masks @ ..] = operands else {
        return Err(Failure::Misfit);
    };
    let ([outer, rows, _], [_, keys, _]) = (matrices(query)?, matrices(key)?);
    let mut scores = Dims::new(fit(shape.split_last())?.1);
    scores.push(keys);
    let queries = Packed::new(queue, query, attention.score_precision.left())?;
    let packed_keys = Packed::new(queue, key, attention.score_precision.right())?;
    let sums = Array::new(queue, DataType::Float32, scores)?;
    in_order([outer, rows, keys]).execute(queue, &queries, &packed_keys, &sums)?;
    let mask = match attention.masking {
        Masking::None => None,
        masking => Some((masking, fit(masks.first())?)),
    };
    let weights = softmax(queue, "softmax", &sums, attention.scale, mask)?;
    drop(sums);
    let [batch, heads] = match shape[..shape.len() - 2] {
        [] => [1, 1],
        [batch] => [batch, 1],
        [batch, heads] => [batch, heads],
        _ => return Err(Failure::Misfit),
    };
    let [of_outer, of_keys, width] = matrices(value)?;
    if [of_outer, of_keys] != [outer, keys] || batch * heads != outer {
        return Err(Failure::Misfit);
    }
    // A scale for each row of the values, which are quantised along the other dimension.
    let mut of_rows = value.layout.shape;
    of_rows.pop();
    let scales = row_scale(queue, attention.value_precision, value, of_rows)?;
    let mut axes: Vec<u8> = (0..shape.len() as u8).collect();
    axes.swap(shape.len() - 2, shape.len() - 1);
    let turned = value.through(fit(value.layout.permuted(&axes))?);
    let output = Array::new(queue, DataType::Float32, Dims::new(&[batch, rows, heads, width]))?;
    let product = Product {
        heads,
        strides: [rows * heads * width, width, heads * width],
        ..in_order([outer, rows, width])
    };
    weigh(
        queue,
        attention.value_precision,
        [&weights, &turned, &scales],
        &product,
        &output,
    )?;
    let seen = output.through(fit(output.layout.permuted(&[0, 2, 1, 3]))?);
    Ok(seen.through(fit(seen.layout.reshaped(shape))?))
}
