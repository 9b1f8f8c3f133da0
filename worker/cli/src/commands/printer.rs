//! Pieces that a language model generates in a session, printed as it comes.

use assay_session::Piece;
use assay_text::language::{Detokeniser, Language};
use std::io::{Write, stdout};

/// Prints what is made as it comes.
pub(super) struct Printer<'l> {
    language: Option<&'l Language>,
    text: Option<Detokeniser<'l>>,
    has_printed: bool,
}

impl<'l> Printer<'l> {
    pub(super) fn new(language: Option<&'l Language>) -> Self {
        Self {
            language,
            text: language.map(Language::detokeniser),
            has_printed: false,
        }
    }

    pub(super) fn piece(&mut self, piece: &Piece) -> anyhow::Result<()> {
        let mut out = stdout();
        match piece {
            Piece::Tokens(tokens) => {
                for token in tokens {
                    let text = match &mut self.text {
                        Some(stream) => stream.push(*token)?,
                        None => format!("{token} "),
                    };
                    out.write_all(text.as_bytes())?;
                }
                self.has_printed = true;
            }
            Piece::Again => {
                self.text = self.language.map(Language::detokeniser);
                writeln!(out, "\n(another worker answers, and differently:)")?;
            }
        }
        Ok(out.flush()?)
    }

    /// Prints what is still held back.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        if self.has_printed {
            let rest = self.text.map_or(Ok(String::new()), Detokeniser::finish)?;
            writeln!(stdout(), "{rest}")?;
        }
        Ok(())
    }
}
