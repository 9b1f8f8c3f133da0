//! Quantised rows as the second operand of a product: laid out once, in the order that the product reads them.

use crate::{
    aligned::Aligned,
    instructions::Set,
    rows::{GROUP, Kind, ROUNDING, Rows, SEGMENT},
};

/// Columns that one vector holds the sums of.
pub(crate) const STRIP: usize = 16;

/// The second operand of a product, `[N, K]`.
///
/// For vectors it is cut into strips of 16 rows. Of a strip, the first four elements of all its rows come first, row
/// after row, then the next four; missing rows and elements are zeros. The memory is kept and used again.
#[derive(Clone, Debug)]
pub struct Packed {
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
    /// In strips.
    Strips {
        /// The integers of Int8, and the high halves of Int16, plus 128.
        bytes: Aligned<u8>,
        /// The integers of Int16, in pairs: the first two of a group of four for all rows, then the other two.
        words: Aligned<i16>,
        /// For Int16, the greatest of a strip's norms of each segment.
        norms: Vec<f32>,
    },
}

impl Packed {
    /// Lays out quantised rows.
    ///
    /// # Panics
    ///
    /// If the rows are of [`Kind::Halves`], which are a first operand.
    pub fn new(rows: &Rows) -> Self {
        let mut packed = Self {
            kind: rows.kind,
            columns: 0,
            length: 0,
            layout: Layout::Rows(Rows::new(rows.instructions)),
            scales: Vec::new(),
        };
        packed.replace(rows);
        packed
    }

    /// Replaces the rows by these ones.
    ///
    /// # Panics
    ///
    /// If the rows are of [`Kind::Halves`], which are a first operand.
    pub fn replace(&mut self, rows: &Rows) {
        assert_ne!(rows.kind, Kind::Halves, "rows of a first operand");
        self.kind = rows.kind;
        self.columns = rows.count;
        self.length = rows.length;
        self.scales.clear();
        self.scales.extend_from_slice(&rows.scales);
        self.scales.resize(rows.count.next_multiple_of(STRIP), 1.0);
        match rows.instructions.0 {
            Set::Portable => self.layout = Layout::Rows(rows.clone()),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                let (mut bytes, mut words, mut norms) = self.take_strips(rows);
                let size = rows.count.next_multiple_of(STRIP) * rows.stride;
                bytes.set_length(size);
                pack_bytes(rows, &mut bytes);
                words.set_length(if rows.kind == Kind::Int16 { size } else { 0 });
                pack_words(rows, &mut words);
                norms.clear();
                greatest_norms(rows, &mut norms);
                self.layout = Layout::Strips { bytes, words, norms };
            }
        }
    }

    /// Replaces the rows by the columns of these ones, with the scale 1: the rows' own scales are left to the other
    /// operand.
    pub fn replace_transposed(&mut self, rows: &Rows) {
        self.kind = rows.kind;
        self.columns = rows.length;
        self.length = rows.count;
        self.scales.clear();
        self.scales.resize(rows.length.next_multiple_of(STRIP), 1.0);
        match rows.instructions.0 {
            Set::Portable => self.layout = Layout::Rows(rows.transposed()),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                let (mut bytes, mut words, mut norms) = self.take_strips(rows);
                let stride = rows.count.next_multiple_of(GROUP);
                let size = rows.length.next_multiple_of(STRIP) * stride;
                bytes.set_length(size);
                bytes.fill(0x80);
                interleave::<GROUP, i8, u8>(&rows.bytes, rows, &mut bytes, stride, |q| q.cast_unsigned() ^ 0x80);
                words.set_length(0);
                norms.clear();
                if rows.kind == Kind::Int16 {
                    words.set_length(size);
                    words.fill(0);
                    interleave::<2, i16, i16>(&rows.words, rows, &mut words, stride, |q| q);
                    greatest_norms_of_columns(rows, &mut norms);
                }
                self.layout = Layout::Strips { bytes, words, norms };
            }
        }
    }

    /// The memory of the present strips.
    #[cfg(target_arch = "x86_64")]
    fn take_strips(&mut self, rows: &Rows) -> (Aligned<u8>, Aligned<i16>, Vec<f32>) {
        match std::mem::replace(&mut self.layout, Layout::Rows(Rows::new(rows.instructions))) {
            Layout::Strips { bytes, words, norms } => (bytes, words, norms),
            Layout::Rows(_) => Default::default(),
        }
    }

    /// How many rows it has: the columns of a product with it.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many elements a row has.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The kind of its rows.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

#[cfg(target_arch = "x86_64")]
fn pack_bytes(rows: &Rows, to: &mut [u8]) {
    let groups = rows.stride / GROUP;
    for (strip, to) in to.chunks_exact_mut((STRIP * rows.stride).max(1)).enumerate() {
        let (to, _) = to.as_chunks_mut::<GROUP>();
        for lane in 0..STRIP {
            let row = strip * STRIP + lane;
            let places = to.iter_mut().skip(lane).step_by(STRIP);
            if row < rows.count {
                let (from, _) = rows.bytes[row * rows.stride..][..groups * GROUP].as_chunks::<GROUP>();
                for (from, to) in from.iter().zip(places) {
                    *to = from.map(|q| q.cast_unsigned() ^ 0x80);
                }
            } else {
                places.for_each(|to| *to = [0x80; GROUP]);
            }
        }
    }
}

/// Lays out the columns of rows in strips: element `column` of row `r` as element `r % N` of a group of `N`.
#[cfg(target_arch = "x86_64")]
fn interleave<const N: usize, T: Copy, U: Copy>(
    from: &[T],
    rows: &Rows,
    to: &mut [U],
    stride: usize,
    f: impl Fn(T) -> U,
) {
    let (to, _) = to.as_chunks_mut::<N>();
    let groups = stride / N;
    for (r, row) in from.chunks_exact(rows.stride.max(1)).enumerate() {
        for (strip, columns) in row[..rows.length].chunks(STRIP).enumerate() {
            let places = &mut to[(strip * groups + r / N) * STRIP..];
            for (place, q) in places.iter_mut().zip(columns) {
                place[r % N] = f(*q);
            }
        }
    }
}

/// For each strip of columns and each segment of rows, not less than the greatest norm of the columns.
#[cfg(target_arch = "x86_64")]
fn greatest_norms_of_columns(rows: &Rows, to: &mut Vec<f32>) {
    let segments = rows.count.next_multiple_of(GROUP).div_ceil(SEGMENT);
    let strips = rows.length.div_ceil(STRIP);
    to.resize(strips * segments, 0.0);
    for (segment, from) in rows.words.chunks(rows.stride * SEGMENT).enumerate() {
        for strip in 0..strips {
            let start = strip * STRIP;
            let mut squares = [0.0f32; STRIP];
            for row in from.chunks_exact(rows.stride) {
                for (sum, q) in squares.iter_mut().zip(&row[start..rows.length.min(start + STRIP)]) {
                    *sum += f32::from(*q) * f32::from(*q);
                }
            }
            let greatest = squares.into_iter().fold(0.0, f32::max);
            to[strip * segments + segment] = greatest.sqrt() * ROUNDING;
        }
    }
}

/// For each strip and segment, the greatest norm of the strip's rows.
#[cfg(target_arch = "x86_64")]
fn greatest_norms(rows: &Rows, to: &mut Vec<f32>) {
    let segments = rows.segments();
    for strip in rows.norms.chunks((STRIP * segments).max(1)) {
        let start = to.len();
        to.resize(start + segments, 0.0);
        for row in strip.chunks(segments) {
            for (greatest, norm) in to[start..].iter_mut().zip(row) {
                *greatest = if *norm > *greatest { *norm } else { *greatest };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn pack_words(rows: &Rows, to: &mut [i16]) {
    const PAIR: usize = 2;
    for (strip, to) in to.chunks_exact_mut((STRIP * rows.stride).max(1)).enumerate() {
        let (to, _) = to.as_chunks_mut::<PAIR>();
        for lane in 0..STRIP {
            let row = strip * STRIP + lane;
            let places = to.iter_mut().skip(lane).step_by(STRIP);
            if row < rows.count {
                let (from, _) = rows.words[row * rows.stride..][..rows.stride].as_chunks::<PAIR>();
                for (from, to) in from.iter().zip(places) {
                    *to = *from;
                }
            } else {
                places.for_each(|to| *to = [0; PAIR]);
            }
        }
    }
}
