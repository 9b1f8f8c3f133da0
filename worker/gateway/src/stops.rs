//! Stop sequences: text is given on until one of them comes, and nothing of it or after it is.

/// Looks for stop sequences in text that comes in pieces.
#[derive(Clone, Debug)]
pub struct Stops {
    sequences: Vec<String>,
    /// Text that may be the beginning of a sequence.
    held: String,
}

/// Parts that a piece becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Text to give on.
    pub text: String,
    /// Whether a sequence came, after which nothing is given on.
    pub stopped: bool,
}

impl Stops {
    /// Looks for these; none of them is empty.
    pub fn new(sequences: Vec<String>) -> Self {
        Self {
            sequences,
            held: String::new(),
        }
    }

    /// Takes a piece.
    pub fn push(&mut self, piece: &str) -> Passed {
        self.held.push_str(piece);
        let found = self
            .sequences
            .iter()
            .filter_map(|sequence| self.held.find(sequence.as_str()))
            .min();
        if let Some(place) = found {
            self.held.truncate(place);
            return Passed {
                text: std::mem::take(&mut self.held),
                stopped: true,
            };
        }
        let given = self.held.len() - self.may_begin();
        let rest = self.held.split_off(given);
        Passed {
            text: std::mem::replace(&mut self.held, rest),
            stopped: false,
        }
    }

    /// Text that is held when nothing more comes.
    pub fn finish(self) -> String {
        self.held
    }

    /// Bytes at the end that are the beginning of a sequence.
    fn may_begin(&self) -> usize {
        let ends = |sequence: &String| {
            let lengths = sequence.char_indices().map(|(place, _)| place).skip(1);
            lengths
                .filter(|length| self.held.ends_with(&sequence[..*length]))
                .max()
                .unwrap_or(0)
        };
        self.sequences.iter().map(ends).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(sequences: &[&str], pieces: &[&str]) -> (String, bool) {
        let mut stops = Stops::new(sequences.iter().map(|&text| text.to_owned()).collect());
        let mut text = String::new();
        for piece in pieces {
            let passed = stops.push(piece);
            text.push_str(&passed.text);
            if passed.stopped {
                return (text, true);
            }
        }
        text.push_str(&stops.finish());
        (text, false)
    }

    #[test]
    fn text_without_a_sequence_passes() {
        assert_eq!(all(&[], &["a", "b"]), ("ab".to_owned(), false));
        assert_eq!(all(&["xyz"], &["ax", "y", "b", "xy"]), ("axybxy".to_owned(), false));
    }

    #[test]
    fn a_sequence_over_several_pieces_is_found_and_not_given() {
        assert_eq!(all(&["END"], &["one E", "N", "D two"]), ("one ".to_owned(), true));
        assert_eq!(all(&["aab"], &["a", "a", "a", "b"]), ("a".to_owned(), true));
    }

    #[test]
    fn the_first_of_several_sequences_counts() {
        assert_eq!(all(&["b", "a"], &["xaby"]), ("x".to_owned(), true));
        assert_eq!(all(&["\n\n", "é"], &["x\n", "yé"]), ("x\ny".to_owned(), true));
    }

    #[test]
    fn every_cut_of_a_text_gives_the_same() {
        let (text, sequences) = ("über den Wölken, STO, STOP hier", ["STOP", "ken,x"]);
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        for first in &places {
            for second in places.iter().filter(|second| *second >= first) {
                let pieces = [&text[..*first], &text[*first..*second], &text[*second..]];
                assert_eq!(all(&sequences, &pieces), ("über den Wölken, STO, ".to_owned(), true));
            }
        }
    }
}
