//! Formats in which ggml writes the elements of tensors: as numbers, or in blocks of small integers that share scales.

use super::quantise::{GroupedRow, Line};
use assay_exact::quantise::GroupedBits;

/// A type of ggml's whose elements are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockType {
    /// binary32.
    F32,
    /// binary16.
    F16,
    /// The upper half of binary32.
    Bf16,
    /// 32 integers from −8 to 7, and a scale.
    Q40,
    /// 32 integers from 0 to 15, a scale and a minimum.
    Q41,
    /// 32 integers of 8 bits, and a scale.
    Q80,
    /// 256 integers from 0 to 15, of which 32 share a scale and a minimum of 6 bits each.
    Q4K,
    /// 256 integers from −32 to 31, of which 16 share a scale of 8 bits.
    Q6K,
}

/// Names of ggml's types that are not read here, for the message.
const OTHERS: &[(u32, &str)] = &[
    (6, "Q5_0"),
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (13, "Q5_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
];

impl BlockType {
    /// The type that ggml's code stands for.
    pub fn of_code(code: u32) -> Result<Self, String> {
        Ok(match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q40,
            3 => Self::Q41,
            8 => Self::Q80,
            12 => Self::Q4K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => {
                let name = OTHERS
                    .iter()
                    .find(|(other, _)| *other == code)
                    .map_or("unknown", |(_, name)| name);
                return Err(format!(
                    "its type is {code} ({name}), and F32, F16, BF16, Q4_0, Q4_1, Q8_0, Q4_K and Q6_K are read: quantise \
                     the model to one of these"
                ));
            }
        })
    }

    /// Elements of a block.
    pub fn elements(self) -> u32 {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q40 | Self::Q41 | Self::Q80 => 32,
            Self::Q4K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::Q40 => 18,
            Self::Q41 => 20,
            Self::Q80 => 34,
            Self::Q4K => 144,
            Self::Q6K => 210,
        }
    }

    /// Bytes of a tensor of this shape; `None` if its rows are not whole blocks or it is too large.
    pub fn size(self, shape: &[u32]) -> Option<u64> {
        let row = shape.last().filter(|row| *row % self.elements() == 0)?;
        let blocks = u64::from(row / self.elements());
        let outer = shape.split_last()?.1.iter();
        let blocks = outer
            .map(|count| u64::from(*count))
            .try_fold(blocks, u64::checked_mul)?;
        blocks.checked_mul(self.bytes() as u64)
    }

    /// Appends the numbers that whole blocks stand for. Each product and each sum is rounded to binary32, as ggml does.
    pub fn read(self, bytes: &[u8], numbers: &mut Vec<f32>) {
        for block in bytes.chunks_exact(self.bytes()) {
            match self {
                Self::F32 => numbers.extend(block.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))),
                Self::F16 => numbers.push(half(block, 0)),
                Self::Bf16 => numbers.push(f32::from_bits(u32::from(word(block, 0)) << 16)),
                Self::Q40 => {
                    let scale = half(block, 0);
                    numbers.extend(nibbles(&block[2..]).map(|q| (f32::from(q) - 8.0) * scale));
                }
                Self::Q41 => {
                    let (scale, min) = (half(block, 0), half(block, 2));
                    numbers.extend(nibbles(&block[4..]).map(|q| f32::from(q) * scale + min));
                }
                Self::Q80 => {
                    let scale = half(block, 0);
                    numbers.extend(block[2..].iter().map(|byte| f32::from(*byte as i8) * scale));
                }
                Self::Q4K => read_q4k(block, numbers),
                Self::Q6K => read_q6k(block, numbers),
            }
        }
    }

    /// Bits of the small integers that blocks consist of, and how many elements share a scale; nothing where elements
    /// are numbers.
    pub fn grouped(self) -> Option<(GroupedBits, u8)> {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => None,
            Self::Q40 | Self::Q41 | Self::Q4K => Some((GroupedBits::Four, 32)),
            Self::Q80 => Some((GroupedBits::Eight, 32)),
            Self::Q6K => Some((GroupedBits::Eight, 16)),
        }
    }

    /// Replaces a row by what whole blocks of small integers hold. Nothing is rounded.
    pub fn read_groups(self, bytes: &[u8], row: &mut GroupedRow) {
        row.integers.clear();
        row.lines.clear();
        for block in bytes.chunks_exact(self.bytes()) {
            let scale = f64::from(half(block, 0));
            let centred = |bytes| nibbles(bytes).map(|q| q.cast_signed() - 8);
            match self {
                Self::F32 | Self::F16 | Self::Bf16 => {}
                Self::Q40 => {
                    row.lines.push(line(scale, 0.0));
                    row.integers.extend(centred(&block[2..]));
                }
                Self::Q41 => {
                    row.lines.push(line(scale, f64::from(half(block, 2)) + 8.0 * scale));
                    row.integers.extend(centred(&block[4..]));
                }
                Self::Q80 => {
                    row.lines.push(line(scale, 0.0));
                    row.integers.extend(block[2..].iter().map(|byte| byte.cast_signed()));
                }
                Self::Q4K => {
                    let min = f64::from(half(block, 2));
                    let pairs = scales_and_minima(&block[4..16]).into_iter();
                    row.lines.extend(pairs.map(|[own_scale, own_min]| {
                        let step = scale * f64::from(own_scale);
                        line(step, 8.0 * step - min * f64::from(own_min))
                    }));
                    let parts = block[16..].chunks_exact(32);
                    row.integers.extend(parts.flat_map(centred));
                }
                Self::Q6K => {
                    let scale = f64::from(half(block, 208));
                    let scales = block[192..208].iter();
                    let own = scales.map(|own| line(scale * f64::from(own.cast_signed()), 0.0));
                    row.lines.extend(own);
                    row.integers.extend(q6k_integers(block));
                }
            }
        }
    }
}

fn line(step: f64, offset: f64) -> Line {
    Line { step, offset }
}

fn word(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

/// The binary16 number at a place.
pub fn half(block: &[u8], at: usize) -> f32 {
    let bits = word(block, at);
    let (sign, exponent, fraction) = (
        u32::from(bits >> 15),
        u32::from(bits >> 10 & 31),
        u32::from(bits & 1023),
    );
    let magnitude = match exponent {
        // 2^-24 times an integer below 1,024 is exact.
        0 => fraction as f32 * f32::from_bits(103 << 23),
        31 => f32::from_bits((255 << 23) | (fraction << 13)),
        _ => f32::from_bits(((exponent + 112) << 23) | (fraction << 13)),
    };
    f32::from_bits(magnitude.to_bits() | (sign << 31))
}

/// The lower halves of bytes, and then the upper ones.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes
        .iter()
        .map(|byte| byte & 15)
        .chain(bytes.iter().map(|byte| byte >> 4))
}

/// Eight scales and eight minima of 6 bits in 12 bytes.
fn scales_and_minima(packed: &[u8]) -> [[u8; 2]; 8] {
    std::array::from_fn(|j| match j {
        0..4 => [packed[j] & 63, packed[j + 4] & 63],
        _ => [
            packed[j + 4] & 15 | packed[j - 4] >> 6 << 4,
            packed[j + 4] >> 4 | packed[j] >> 6 << 4,
        ],
    })
}

fn read_q4k(block: &[u8], numbers: &mut Vec<f32>) {
    let (scale, min) = (half(block, 0), half(block, 2));
    let pairs = scales_and_minima(&block[4..16]);
    let integers = block[16..].chunks_exact(32).flat_map(nibbles);
    numbers.extend(integers.enumerate().map(|(index, q)| {
        let [own_scale, own_min] = pairs[index / 32].map(f32::from);
        scale * own_scale * f32::from(q) - min * own_min
    }));
}

/// The integers of a block, from −32 to 31.
fn q6k_integers(block: &[u8]) -> impl Iterator<Item = i8> {
    (0..256).map(move |index| {
        let (part, quarter, l) = (index / 128, index / 32 % 4, index % 32);
        let lower = block[64 * part + l + 32 * (quarter & 1)] >> (4 * (quarter >> 1)) & 15;
        let upper = block[128 + 32 * part + l] >> (2 * quarter) & 3;
        (lower | upper << 4).cast_signed() - 32
    })
}

fn read_q6k(block: &[u8], numbers: &mut Vec<f32>) {
    let scale = half(block, 208);
    numbers.extend(q6k_integers(block).enumerate().map(|(index, q)| {
        let own = f32::from(block[192 + index / 16].cast_signed());
        scale * own * f32::from(q)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(kind: BlockType, bytes: &[u8]) -> Vec<f32> {
        let mut numbers = Vec::new();
        kind.read(bytes, &mut numbers);
        numbers
    }

    /// A block of bytes that count up, behind halves of 1.5 and 0.5 where the type has its scales.
    fn block(kind: BlockType, halves: &[(usize, u16)]) -> Vec<u8> {
        let mut block: Vec<u8> = (0..kind.bytes()).map(|i| (i * 37 + 11) as u8).collect();
        for (at, bits) in halves {
            block[*at..at + 2].copy_from_slice(&bits.to_le_bytes());
        }
        block
    }

    #[test]
    fn halves_are_exact() {
        for (bits, value) in [
            (0u16, 0.0f32),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (1, 5.960_464_5e-8),
            (0x83ff, -6.097_555e-5),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(&bits.to_le_bytes(), 0), value, "{bits:x}");
        }
        assert!(half(&0x7e00u16.to_le_bytes(), 0).is_nan());
    }

    #[test]
    fn small_blocks_are_scales_times_integers() {
        let mut bytes = vec![0, 0x3e];
        bytes.extend([0x0f; 16]);
        let q40 = numbers(BlockType::Q40, &bytes);
        assert_eq!((q40[0], q40[16], q40.len()), (10.5, -12.0, 32));
        let mut bytes = vec![0, 0x3e, 0, 0xb8];
        bytes.extend([0xf1; 16]);
        let q41 = numbers(BlockType::Q41, &bytes);
        assert_eq!((q41[0], q41[31], q41.len()), (1.0, 22.0, 32));
        let mut bytes = vec![0, 0x3e];
        bytes.extend([0x80; 32]);
        assert_eq!(numbers(BlockType::Q80, &bytes), [-192.0; 32]);
        assert_eq!(numbers(BlockType::Bf16, &[0x80, 0x3f]), [1.0]);
    }

    // The sums and elements are those that gguf-py 0.19.0 gives for the same bytes.

    #[test]
    fn blocks_of_256_are_those_of_ggml() {
        let q4k = numbers(BlockType::Q4K, &block(BlockType::Q4K, &[(0, 0x3e00), (2, 0x3800)]));
        let q6k = numbers(BlockType::Q6K, &block(BlockType::Q6K, &[(208, 0x3e00)]));
        assert_eq!((q4k.len(), q6k.len()), (256, 256));
        assert_eq!(Q4K, [q4k[0], q4k[33], q4k[130], q4k[255], q4k.iter().sum()]);
        assert_eq!(Q6K, [q6k[0], q6k[33], q6k[130], q6k[255], q6k.iter().sum()]);
    }

    #[test]
    fn groups_stand_for_the_same_numbers() {
        for (kind, halves) in [
            (BlockType::Q40, &[(0, 0x3e00)][..]),
            (BlockType::Q41, &[(0, 0x3e00), (2, 0xb800)]),
            (BlockType::Q80, &[(0, 0x3e00)]),
            (BlockType::Q4K, &[(0, 0x3e00), (2, 0x3800)]),
            (BlockType::Q6K, &[(208, 0x3e00)]),
        ] {
            let bytes = [block(kind, halves), block(kind, halves)].concat();
            let mut row = GroupedRow::default();
            kind.read_groups(&bytes, &mut row);
            let (_, group) = kind.grouped().expect("it has groups");
            let weights = row.integers.chunks(group.into()).zip(&row.lines);
            let weights = weights.flat_map(|(integers, line)| {
                integers
                    .iter()
                    .map(|q| (f64::from(*q) * line.step + line.offset) as f32)
            });
            assert!(weights.eq(numbers(kind, &bytes)), "{kind:?}");
        }
    }

    const Q4K: [f32; 5] = [486.0, 36.0, 286.5, 81.5, 83772.0];
    const Q6K: [f32; 5] = [-2146.5, -1008.0, 214.5, -90.0, 6918.0];
}
