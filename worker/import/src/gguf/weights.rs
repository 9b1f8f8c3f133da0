//! The weights that a language model's graph takes, and how each is made of the tensors of a file.

use super::{
    blocks::BlockType,
    container::{Container, refused},
    quantise::{GroupedRow, quantise_row},
    rotary::Rotary,
};
use crate::{
    error::ImportError,
    program::{Size, TensorMeta},
    progress::Steps,
    stored::Stored,
};
use assay_exact::{
    digest::DataType,
    graph::Graph,
    quantise::{GroupedBits, WeightFormat},
    tensor::Tensor,
};
use std::{collections::BTreeMap, sync::Arc};

type Result<T> = std::result::Result<T, ImportError>;

/// Source of a weight of the graph.
#[derive(Clone, Debug, PartialEq)]
enum Recipe {
    /// A tensor of the file as Float32.
    Numbers { tensor: String, order: RowOrder },
    /// A part of what a matrix of the file becomes as integers.
    Given {
        tensor: String,
        order: RowOrder,
        format: WeightFormat,
    },
    /// The cosines of the positions.
    Cosines,
    /// The sines of the positions.
    Sines,
}

/// The order of a matrix's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// The order of the file.
    AsStored,
    /// The rows of each head of this width are in pairs, of which the first ones come first here.
    ///
    /// GGUF has the two coordinates of a rotation next to one another for this architecture, and the graph has them
    /// half a head apart. Queries and keys are ordered alike, and their products are exact sums, so no result depends
    /// on it.
    Paired { width: u32 },
}

impl RowOrder {
    /// The row of the file that is row `row` here.
    fn stored(self, row: usize) -> usize {
        match self {
            Self::AsStored => row,
            Self::Paired { width } => {
                let width = width as usize;
                let (head, within) = (row / width, row % width);
                let (second, pair) = (within / (width / 2), within % (width / 2));
                head * width + 2 * pair + second
            }
        }
    }
}

/// The weights that a graph may take.
pub struct Weights {
    recipes: BTreeMap<String, (DataType, Vec<u32>, Recipe)>,
    rotary: Rotary,
    positions: u32,
}

/// Names of the tables of cosines and sines.
pub const TABLES: [&str; 2] = ["rope.cos", "rope.sin"];

impl Weights {
    pub fn new(rotary: Rotary, positions: u32) -> Self {
        let shape = vec![positions, rotary.frequencies];
        let tables = TABLES.into_iter().zip([Recipe::Cosines, Recipe::Sines]);
        let recipes = tables.map(|(name, recipe)| (name.to_owned(), (DataType::Float32, shape.clone(), recipe)));
        Self {
            recipes: recipes.collect(),
            rotary,
            positions,
        }
    }

    /// Adds a tensor of the file as Float32.
    pub fn add_numbers(&mut self, tensor: &str, shape: &[u32], order: RowOrder) {
        let recipe = Recipe::Numbers {
            tensor: tensor.to_owned(),
            order,
        };
        self.recipes
            .insert(tensor.to_owned(), (DataType::Float32, shape.to_vec(), recipe));
    }

    /// Adds a matrix of the file, of this type there, as integers: they have its name, the words of their groups
    /// [`words_name`], and the scales of the rows [`scales_name`].
    pub fn add_integers(&mut self, tensor: &str, shape: [u32; 2], order: RowOrder, kind: BlockType) -> WeightFormat {
        let format = format_of(kind, shape[1]);
        let [rows, length] = shape;
        let (bytes, halves) = ((DataType::Int8, length), (DataType::Uint8, length / 2));
        let (integers, group) = match format {
            WeightFormat::Int8 => (bytes, None),
            WeightFormat::Grouped { bits, group } => match bits {
                GroupedBits::Four => (halves, Some(group)),
                GroupedBits::Eight => (bytes, Some(group)),
            },
        };
        let recipe = Recipe::Given {
            tensor: tensor.to_owned(),
            order,
            format,
        };
        let words = group.map(|group| (DataType::Int32, vec![rows, length / u32::from(group)]));
        let parts = [
            (tensor.to_owned(), Some((integers.0, vec![rows, integers.1]))),
            (words_name(tensor), words),
            (scales_name(tensor), Some((DataType::Float32, vec![rows]))),
        ];
        for (name, part) in parts {
            if let Some((dtype, shape)) = part {
                self.recipes.insert(name, (dtype, shape, recipe.clone()));
            }
        }
        format
    }

    /// Every weight as a program that torch exported would describe it: its place, its shape, its layout.
    pub(super) fn described(&self) -> impl Iterator<Item = (Arc<Stored>, Vec<u32>, TensorMeta)> {
        self.recipes.iter().map(|(name, (dtype, shape, _))| {
            let stored = Stored {
                folder: "weights",
                key: name.clone(),
                names: vec![name.clone()],
                shape: Some(shape.clone()),
            };
            (
                Arc::new(stored),
                shape.clone(),
                described(*dtype, shape.iter().map(|size| i64::from(*size).into())),
            )
        })
    }

    /// The weights of a graph, in its order.
    pub(super) fn read(
        &self,
        container: &mut Container,
        graph: &Graph,
        steps: &mut Steps<'_, '_>,
    ) -> Result<Vec<Tensor>> {
        // Integers, words and scales come out of one pass, and the graph has them one after the other or far apart.
        let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let weights = graph.weights.iter().map(|weight| {
            let missing = || refused(&weight.name, "it is no weight of the model");
            let (dtype, shape, recipe) = self.recipes.get(&weight.name).ok_or_else(missing)?;
            let bytes = match kept.remove(&weight.name) {
                Some(bytes) => bytes,
                None => self.make(container, &weight.name, recipe, &mut kept)?,
            };
            let tensor = Tensor::new(*dtype, shape.clone(), bytes);
            let tensor = tensor.map_err(|error| refused(&weight.name, error.to_string()))?;
            steps.advance(tensor.bytes().len() as u64);
            Ok(tensor.canonical())
        });
        weights.collect()
    }

    /// The bytes of a weight. What is made at the same time is kept under its name.
    fn make(
        &self,
        container: &mut Container,
        name: &str,
        recipe: &Recipe,
        kept: &mut BTreeMap<String, Vec<u8>>,
    ) -> Result<Vec<u8>> {
        Ok(match recipe {
            Recipe::Cosines => bytes(&self.rotary.tables(self.positions).0),
            Recipe::Sines => bytes(&self.rotary.tables(self.positions).1),
            Recipe::Numbers { tensor, order } => {
                let mut all = Vec::new();
                rows(container, tensor, *order, |row| all.extend_from_slice(&bytes(row)))?;
                all
            }
            Recipe::Given { tensor, order, format } => {
                let [integers, words, scales] = quantised(container, tensor, *order, *format)?;
                kept.insert(tensor.clone(), integers);
                kept.insert(words_name(tensor), words);
                kept.insert(scales_name(tensor), scales);
                kept.remove(name).unwrap_or_default()
            }
        })
    }
}

/// Format of the integers of a matrix whose rows have this many elements and this type in the file.
///
/// Rows of numbers become bytes, in groups of 32 or of 16 if they are whole groups.
fn format_of(kind: BlockType, length: u32) -> WeightFormat {
    let of_numbers = || {
        let group = [32, 16]
            .into_iter()
            .find(|group| length.is_multiple_of(u32::from(*group)))?;
        Some((GroupedBits::Eight, group))
    };
    match kind.grouped().or_else(of_numbers) {
        Some((bits, group)) => WeightFormat::Grouped { bits, group },
        None => WeightFormat::Int8,
    }
}

/// The name of the words of a matrix's groups.
pub fn words_name(tensor: &str) -> String {
    format!("{}.groups", tensor.strip_suffix(".weight").unwrap_or(tensor))
}

/// The name of the scales of a matrix's rows.
pub fn scales_name(tensor: &str) -> String {
    format!("{}.scale", tensor.strip_suffix(".weight").unwrap_or(tensor))
}

/// Description of a contiguous tensor of this type and these sizes, as a program of torch has it.
pub(super) fn described(dtype: DataType, sizes: impl Iterator<Item = Size>) -> TensorMeta {
    let code = match dtype {
        DataType::Uint8 => 1,
        DataType::Int8 => 2,
        DataType::Int32 => 4,
        DataType::Int64 => 5,
        DataType::Float32 => 7,
        DataType::Bool => 12,
    };
    TensorMeta {
        dtype: code,
        sizes: sizes.collect(),
        strides: Vec::new(),
        storage_offset: Size::AsInt(0),
    }
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The integers of a matrix, the words of their groups, and the scales of the rows.
fn quantised(container: &mut Container, tensor: &str, order: RowOrder, format: WeightFormat) -> Result<[Vec<u8>; 3]> {
    let (mut integers, mut words, mut scales) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_finite = true;
    match format {
        WeightFormat::Int8 => rows(container, tensor, order, |row| {
            is_finite &= row.iter().all(|number| number.is_finite());
            scales.push(quantise_row(row, &mut integers));
        })?,
        WeightFormat::Grouped { bits, group } => {
            let (mut row, mut numbers) = (GroupedRow::default(), Vec::new());
            stored_rows(container, tensor, order, |kind, bytes| {
                if kind.grouped().is_some() {
                    kind.read_groups(bytes, &mut row);
                } else {
                    numbers.clear();
                    kind.read(bytes, &mut numbers);
                    is_finite &= numbers.iter().all(|number: &f32| number.is_finite());
                    row.replace(&numbers, group.into());
                }
                is_finite &= row
                    .lines
                    .iter()
                    .all(|line| line.step.is_finite() && line.offset.is_finite());
                scales.push(row.fit(&mut words));
                match bits {
                    GroupedBits::Four => integers.extend(row.halves()),
                    GroupedBits::Eight => integers.extend(row.integers.iter().map(|integer| integer.cast_unsigned())),
                }
            })?;
        }
    }
    match is_finite {
        true => Ok([integers, words, bytes(&scales)]),
        false => Err(refused(tensor, "it holds an infinity or a NaN; get the file again")),
    }
}

/// Gives the bytes of the rows of a tensor and their type, in the order wished.
fn stored_rows(
    container: &mut Container,
    name: &str,
    order: RowOrder,
    mut take: impl FnMut(BlockType, &[u8]),
) -> Result<()> {
    let tensor = container.tensor(name)?.clone();
    let length = *tensor
        .shape
        .last()
        .ok_or_else(|| refused(name, "it has no dimensions"))?;
    let bytes = container.bytes(name)?;
    let row_bytes = (length / tensor.kind.elements()) as usize * tensor.kind.bytes();
    for index in 0..bytes.len() / row_bytes.max(1) {
        let start = order.stored(index) * row_bytes;
        let row = bytes.get(start..start + row_bytes);
        take(
            tensor.kind,
            row.ok_or_else(|| refused(name, "its rows are not whole heads"))?,
        );
    }
    Ok(())
}

/// Gives the rows of a tensor, dequantised, in the order wished.
fn rows(container: &mut Container, name: &str, order: RowOrder, mut take: impl FnMut(&[f32])) -> Result<()> {
    let mut row = Vec::new();
    let tensor = container.tensor(name)?.clone();
    if let RowOrder::Paired { width } = order
        && tensor.shape.len() == 1
    {
        // A bias has an element for each row.
        tensor.kind.read(&container.bytes(name)?, &mut row);
        let ordered: Vec<f32> = (0..row.len())
            .filter_map(|i| row.get(RowOrder::Paired { width }.stored(i)).copied())
            .collect();
        take(&ordered);
        return Ok(());
    }
    stored_rows(container, name, order, |kind, bytes| {
        row.clear();
        kind.read(bytes, &mut row);
        take(&row);
    })
}

impl From<i64> for Size {
    fn from(size: i64) -> Self {
        Self::AsInt(size)
    }
}
