//! Pictures: JPEG and PNG files as pixels of red, green and blue.

use crate::{MediaError, read};
use png::{ColorType, Transformations};
use std::{io::Cursor, path::Path};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Most pixels of a picture.
pub(crate) const MAX_PIXELS: usize = 1 << 27;
/// Most pixels of a side.
const MAX_SIDE: usize = 1 << 15;
/// Channels of a pixel.
pub(crate) const CHANNELS: usize = 3;
const WHAT: &str = "JPEG or PNG picture";
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Rows from the top, of pixels from the left, of red, green and blue. There is at least one pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub width: usize,
    pub height: usize,
    pub levels: Vec<u8>,
}

impl Picture {
    /// Reads a file, whatever its extension. Transparency is left out, and greys are three equal colours.
    pub fn read(path: &Path) -> Result<Self, MediaError> {
        let bytes = read(path)?;
        let invalid = |reason: String| MediaError::Invalid {
            path: path.to_owned(),
            what: WHAT,
            reason,
        };
        let picture = if bytes.starts_with(JPEG) {
            jpeg(&bytes)
        } else if bytes.starts_with(PNG) {
            png(&bytes)
        } else {
            Err(Refusal::Invalid("it begins like neither".to_owned()))
        };
        let picture = picture.map_err(|refusal| match refusal {
            Refusal::TooLarge => MediaError::TooLarge { path: path.to_owned() },
            Refusal::Invalid(reason) => invalid(reason),
        })?;
        let pixels = picture.width * picture.height;
        match pixels > 0 && picture.levels.len() == pixels * CHANNELS {
            true => Ok(picture),
            false => Err(invalid("it has fewer pixels than it says".to_owned())),
        }
    }
}

/// Why bytes are no picture.
enum Refusal {
    TooLarge,
    Invalid(String),
}

impl Refusal {
    fn of(error: impl ToString) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Refuses sizes that would take too much memory.
fn ensure_size(width: usize, height: usize) -> Result<(), Refusal> {
    let pixels = width.checked_mul(height);
    let fits = width <= MAX_SIDE && height <= MAX_SIDE && pixels.is_some_and(|pixels| pixels <= MAX_PIXELS);
    fits.then_some(()).ok_or(Refusal::TooLarge)
}

fn jpeg(bytes: &[u8]) -> Result<Picture, Refusal> {
    let options = DecoderOptions::default()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(Refusal::of)?;
    let info = decoder.info().ok_or_else(|| Refusal::of("it has no header"))?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    ensure_size(width, height)?;
    Ok(Picture {
        width,
        height,
        levels: decoder.decode().map_err(Refusal::of)?,
    })
}

fn png(bytes: &[u8]) -> Result<Picture, Refusal> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(Refusal::of)?;
    ensure_size(header.width as usize, header.height as usize)?;
    let mut reader = decoder.read_info().map_err(Refusal::of)?;
    let mut levels = vec![0; reader.output_buffer_size().ok_or(Refusal::TooLarge)?];
    let info = reader.next_frame(&mut levels).map_err(Refusal::of)?;
    levels.truncate(info.buffer_size());
    let levels = match info.color_type {
        ColorType::Rgb => levels,
        ColorType::Rgba => levels
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect(),
        ColorType::Grayscale => levels.iter().flat_map(|grey| [*grey; CHANNELS]).collect(),
        ColorType::GrayscaleAlpha => levels.chunks_exact(2).flat_map(|pixel| [pixel[0]; CHANNELS]).collect(),
        ColorType::Indexed => return Err(Refusal::of("its colours are not expanded")),
    };
    Ok(Picture {
        width: info.width as usize,
        height: info.height as usize,
        levels,
    })
}
