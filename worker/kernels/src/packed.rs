//! Quantised rows as the second operand of a product: laid out once, in the order that the product reads them.

mod grouped;
#[cfg(target_arch = "x86_64")]
mod layout;

pub use grouped::GivenGroups;
pub(crate) use grouped::{Grouped, HEAD, QUAD};

#[cfg(target_arch = "x86_64")]
use crate::aligned::Aligned;
use crate::{
    instructions::{Instructions, Set},
    rows::{Kind, Rows},
};

/// Columns that one vector holds the sums of.
pub(crate) const STRIP: usize = 16;

/// The second operand of a product, `[N, K]`.
///
/// For vectors it is cut into strips of 16 rows. Of a strip, the first elements of all its rows come first, row after
/// row, as many as one instruction multiplies in a lane, then the next; missing rows and elements are zeros. The memory
/// is kept and used again.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(crate) instructions: Instructions,
    pub(crate) kind: Kind,
    pub(crate) columns: usize,
    pub(crate) length: usize,
    pub(crate) layout: Layout,
    /// One scale for each row, and for those that a last strip lacks.
    pub(crate) scales: Vec<f32>,
}

/// In which order the integers are kept.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    /// As they are.
    Rows(Rows),
    /// Small integers in groups, in strips, whichever the instructions are.
    Grouped(Grouped),
    /// In strips, two elements of each row at a time.
    #[cfg(target_arch = "x86_64")]
    Pairs {
        /// The integers of Int8.
        bytes: Aligned<i8>,
        /// The integers of Int16.
        words: Aligned<i16>,
        /// For Int16, the greatest of a strip's norms of each segment.
        norms: Vec<f32>,
    },
    /// In strips, four elements of each row at a time.
    #[cfg(target_arch = "x86_64")]
    Strips(Strips),
}

/// Integers in strips, four elements of each row at a time.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Debug, Default)]
pub(crate) struct Strips {
    /// The integers of Int8, and the high halves of Int16, plus 128.
    pub bytes: Aligned<u8>,
    /// For tiles, the low halves of Int16 plus 128.
    pub low_bytes: Aligned<u8>,
    /// The integers of Int16, in pairs: the first two of a group of four for all rows, then the other two.
    pub words: Aligned<i16>,
    /// For Int16, the greatest of a strip's norms of each segment.
    pub norms: Vec<f32>,
}

impl Packed {
    /// Lays out quantised rows.
    ///
    /// # Panics
    ///
    /// If the rows are of [`Kind::Halves`], which are a first operand.
    pub fn new(rows: &Rows) -> Self {
        let mut packed = Self {
            instructions: rows.instructions,
            kind: rows.kind,
            columns: 0,
            length: 0,
            layout: Layout::Rows(Rows::new(rows.instructions)),
            scales: Vec::new(),
        };
        packed.replace(rows);
        packed
    }

    /// Lays out small integers in groups, for products with these instructions; nothing if their parts do not agree.
    pub fn of_groups(instructions: Instructions, given: &GivenGroups<'_>) -> Option<Self> {
        let groups = given.groups()?;
        let mut scales = given.scales.to_vec();
        scales.resize(given.scales.len().next_multiple_of(STRIP), 1.0);
        Some(Self {
            instructions,
            kind: Kind::Int8,
            columns: given.scales.len(),
            length: groups * given.group,
            layout: Layout::Grouped(Grouped::new(given, groups)),
            scales,
        })
    }

    /// Replaces the rows by these ones.
    ///
    /// # Panics
    ///
    /// If the rows are of [`Kind::Halves`], which are a first operand.
    pub fn replace(&mut self, rows: &Rows) {
        assert_ne!(rows.kind, Kind::Halves, "rows of a first operand");
        self.become_of(rows, rows.count, rows.length);
        self.scales.extend_from_slice(&rows.scales);
        self.scales.resize(rows.count.next_multiple_of(STRIP), 1.0);
        let previous = std::mem::replace(&mut self.layout, Layout::Rows(Rows::new(rows.instructions)));
        self.layout = match rows.instructions.0 {
            Set::Portable => Layout::Rows(rows.clone()),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => layout::pairs(previous, rows),
            #[cfg(target_arch = "x86_64")]
            Set::Amx | Set::Avx512 => layout::strips(previous, rows),
            #[cfg(all(test, target_arch = "x86_64"))]
            Set::EmulatedTiles => layout::strips(previous, rows),
        };
    }

    /// Replaces the rows by the columns of these ones, with the scale 1: the rows' own scales are left to the other
    /// operand.
    pub fn replace_transposed(&mut self, rows: &Rows) {
        self.become_of(rows, rows.length, rows.count);
        self.scales.resize(rows.length.next_multiple_of(STRIP), 1.0);
        let previous = std::mem::replace(&mut self.layout, Layout::Rows(Rows::new(rows.instructions)));
        self.layout = match rows.instructions.0 {
            Set::Portable => Layout::Rows(rows.transposed()),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => layout::pairs_of_columns(previous, rows),
            #[cfg(target_arch = "x86_64")]
            Set::Amx | Set::Avx512 => layout::strips_of_columns(previous, rows),
            #[cfg(all(test, target_arch = "x86_64"))]
            Set::EmulatedTiles => layout::strips_of_columns(previous, rows),
        };
    }

    /// Takes what these rows are, with this many columns of this length, and no scales.
    fn become_of(&mut self, rows: &Rows, columns: usize, length: usize) {
        self.instructions = rows.instructions;
        self.kind = rows.kind;
        self.columns = columns;
        self.length = length;
        self.scales.clear();
    }

    /// Number of its rows: the columns of a product with it.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of elements of a row.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Elements of a group, where its integers are in groups.
    pub(crate) fn group(&self) -> Option<usize> {
        match &self.layout {
            Layout::Grouped(grouped) => Some(grouped.group),
            _ => None,
        }
    }

    /// The kind of its rows.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}
