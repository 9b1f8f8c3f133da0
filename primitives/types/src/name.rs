//! Names that people read: what they may hold, so that two that look the same are the same.

/// Reasons for which a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// Its bytes are not UTF-8.
    NotUtf8,
    /// It holds a character that does not show, such as a control character or a space other than single spaces
    /// between words.
    NotPrintable,
}

/// Checks that a name is UTF-8 that shows: no control or formatting characters, and no space but single ones (U+0020)
/// between words.
///
/// ```
/// # use assay_types::{NameError, check_name};
/// assert_eq!(check_name("digits 8×8".as_bytes()), Ok("digits 8×8"));
/// assert_eq!(check_name(b" digits"), Err(NameError::NotPrintable));
/// assert_eq!(check_name(b""), Err(NameError::Empty));
/// ```
pub fn check_name(bytes: &[u8]) -> Result<&str, NameError> {
    let name = core::str::from_utf8(bytes).map_err(|_| NameError::NotUtf8)?;
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let stray_space = name.starts_with(' ') || name.ends_with(' ') || name.contains("  ");
    if stray_space || !name.chars().all(is_printable) {
        return Err(NameError::NotPrintable);
    }
    Ok(name)
}

/// Controls, spaces other than U+0020, and the invisible formatting characters by which one name can pass for another
/// (Unicode 16, general category Cf, and the fillers that render as nothing).
fn is_printable(character: char) -> bool {
    let invisible = matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !character.is_control() && !invisible && (character == ' ' || !character.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_single_spaces_are_names() {
        for name in ["digits", "all-MiniLM-L6-v2", "Ziffern groß", "模型", "a b c"] {
            assert_eq!(check_name(name.as_bytes()), Ok(name));
        }
    }

    #[test]
    fn what_does_not_show_is_refused() {
        for name in [
            "a\nb",
            "a\tb",
            "a\u{0}",
            "a\u{a0}b",
            "a\u{200b}b",
            "a\u{202e}b",
            "\u{feff}a",
            " a",
            "a ",
            "a  b",
        ] {
            assert_eq!(check_name(name.as_bytes()), Err(NameError::NotPrintable), "{name:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert_eq!(check_name(&[0xff, 0xfe]), Err(NameError::NotUtf8));
        assert_eq!(check_name(&[]), Err(NameError::Empty));
    }
}
