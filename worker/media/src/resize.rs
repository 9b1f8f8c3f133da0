//! Resizing: a part of a picture in another number of pixels, by the triangle filter in integers.
//!
//! The filter is Pillow's bilinear one, and gives the same bytes.
//! Each new pixel is the mean of all old ones below it, weighted by a triangle that is as wide as two new pixels: first
//! along rows, then along columns.

use crate::picture::{CHANNELS, Picture};

/// Bits behind the point of a coefficient: a sum of products with 8-bit levels stays within 32 bits.
const BITS: u32 = 22;

/// A rectangle of a picture, not empty and within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

/// The old pixels that make a new one, and their coefficients.
struct Window {
    first: usize,
    coefficients: Vec<i32>,
}

/// The part of a picture in `width` times `height` pixels, neither of which is 0.
pub(crate) fn resize(picture: &Picture, part: Part, width: usize, height: usize) -> Picture {
    let columns = windows(picture.width, part.left, part.width, width);
    let rows = windows(picture.height, part.top, part.height, height);
    // Rows of the picture that no new row takes are left out.
    let first = rows.first().map_or(0, |window| window.first);
    let end = rows.last().map_or(0, |window| window.first + window.coefficients.len());
    let line = picture.width * CHANNELS;
    let mut narrow = Vec::with_capacity((end - first) * width * CHANNELS);
    for row in picture.levels[first * line..end * line].chunks_exact(line) {
        for window in &columns {
            for channel in 0..CHANNELS {
                narrow.push(mean(window, |index| row[index * CHANNELS + channel]));
            }
        }
    }
    let line = width * CHANNELS;
    let mut levels = Vec::with_capacity(height * line);
    for window in &rows {
        for column in 0..line {
            levels.push(mean(window, |index| narrow[(index - first) * line + column]));
        }
    }
    Picture { width, height, levels }
}

/// The weighted mean of a window's levels.
fn mean(window: &Window, level: impl Fn(usize) -> u8) -> u8 {
    let coefficients = window.coefficients.iter().enumerate();
    let products = coefficients.map(|(index, coefficient)| coefficient * i32::from(level(window.first + index)));
    let sum = (1 << (BITS - 1)) + products.sum::<i32>();
    (sum >> BITS).clamp(0, 255) as u8
}

/// The windows of `new` pixels that cover `length` of `old` pixels from `start` on.
fn windows(old: usize, start: usize, length: usize, new: usize) -> Vec<Window> {
    let scale = length as f64 / new as f64;
    let support = scale.max(1.0);
    let narrowing = 1.0 / support;
    let window = |index: usize| {
        let centre = start as f64 + (index as f64 + 0.5) * scale;
        // Casts cut off what is behind the point, and negative numbers become 0.
        let first = (centre - support + 0.5) as usize;
        let end = ((centre + support + 0.5) as usize).min(old);
        let weight = |index: usize| {
            let distance = ((index as f64 - centre + 0.5) * narrowing).abs();
            (1.0 - distance).max(0.0)
        };
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let coefficient = |weight: &f64| (0.5 + weight / sum * f64::from(1 << BITS)) as i32;
        Window {
            first,
            coefficients: weights.iter().map(coefficient).collect(),
        }
    };
    (0..new).map(window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize, levels: &[u8]) -> Picture {
        let levels = levels.iter().flat_map(|level| [*level; CHANNELS]).collect();
        Picture { width, height, levels }
    }

    fn whole(picture: &Picture) -> Part {
        Part {
            left: 0,
            top: 0,
            width: picture.width,
            height: picture.height,
        }
    }

    #[test]
    fn as_many_pixels_are_the_picture_itself() {
        let picture = grey(3, 2, &[0, 10, 255, 7, 8, 9]);
        assert_eq!(resize(&picture, whole(&picture), 3, 2), picture);
        let part = Part {
            left: 1,
            top: 1,
            width: 2,
            height: 1,
        };
        assert_eq!(resize(&picture, part, 2, 1), grey(2, 1, &[8, 9]));
    }

    /// The expected levels are what Pillow 13 gives for the same picture.
    #[test]
    fn fewer_and_more_pixels_are_those_of_pillow() {
        let picture = grey(4, 1, &[0, 100, 200, 255]);
        assert_eq!(resize(&picture, whole(&picture), 2, 1), grey(2, 1, &[71, 209]));
        assert_eq!(
            resize(&picture, whole(&picture), 7, 1),
            grey(7, 1, &[0, 36, 93, 150, 204, 235, 255])
        );
    }
}
