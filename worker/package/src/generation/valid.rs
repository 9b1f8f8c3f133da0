//! Whether a sequence is what the model generates.

use super::{LENGTH, MAX_TOKENS, PROMPT, PROMPT_TOKENS, SEQUENCE, writer::Writer};
use assay_exact::graph::{Binary, Dimension, Operator, Position, Reduction, Unary, Value};

const ONE: Dimension = Dimension::Fixed(1);
const ROWS: Dimension = Dimension::Symbol(LENGTH);

/// Positions and lengths.
struct Places {
    /// Every position, `[1, T]`.
    position: Value,
    /// Length of the prompt, `[1]`.
    prompt: Value,
    /// The last position, `[1]`.
    last: Value,
}

/// A truth value `[1]` for the tokens `[1, T]` that the model selects.
pub(super) fn valid(w: &mut Writer, selected: Value, stop_tokens: &[i64], max_length: u32) -> Value {
    let position = w.arange("place", 0, 1, ROWS);
    let position = w.reshape("places", position, &[ONE, ROWS]);
    let prompt = size(w, "prompt_length", Dimension::Symbol(PROMPT));
    let length = size(w, "sequence_length", ROWS);
    let one = w.integer("one", 1);
    let last = w.binary("last_place", Binary::Sub, length, one);
    let places = Places { position, prompt, last };
    let mut all = vec![
        begins_with_prompt(w),
        w.binary("longer", Binary::Less, prompt, length),
        follows(w, &places, selected, one),
    ];
    let made = w.binary("made", Binary::Sub, length, prompt);
    all.push(w.binary("within_max_tokens", Binary::LessOrEqual, made, MAX_TOKENS));
    let full = w.binary("max_tokens_made", Binary::Equal, made, MAX_TOKENS);
    let room = w.integer("max_length", i64::from(max_length));
    let no_room = w.binary("no_room", Binary::GreaterOrEqual, length, room);
    let mut ended = w.binary("ended_by_length", Binary::Or, full, no_room);
    if let Some((stopped, none_before)) = stops(w, &places, stop_tokens) {
        ended = w.binary("ended", Binary::Or, ended, stopped);
        all.push(none_before);
    }
    let mut valid = ended;
    for (index, condition) in all.into_iter().enumerate() {
        valid = w.binary(&format!("valid_{index}"), Binary::And, valid, condition);
    }
    valid
}

/// A dimension as an integer `[1]`: the last one of those that count it.
fn size(w: &mut Writer, name: &str, dimension: Dimension) -> Value {
    let counted = w.arange(&format!("{name}_counted"), 1, 1, dimension);
    let last = Operator::Slice {
        axis: 0,
        start: Position::FromEnd(1),
        step: 1,
        length: ONE,
    };
    w.node(name, last, &[counted])
}

/// Whether the sequence begins with the prompt. Where it is shorter, the result is of no account.
fn begins_with_prompt(w: &mut Writer) -> Value {
    let beginning = Operator::Slice {
        axis: 1,
        start: Position::FromStart(0),
        step: 1,
        length: Dimension::Symbol(PROMPT),
    };
    let beginning = w.node("beginning_of_sequence", beginning, &[SEQUENCE]);
    let same = w.binary("prompt_repeated", Binary::Equal, beginning, PROMPT_TOKENS);
    w.reduce("begins_with_prompt", Reduction::All, same)
}

/// Whether every token after the prompt is the one that was selected.
fn follows(w: &mut Writer, places: &Places, selected: Value, one: Value) -> Value {
    // After the last position stands nothing, which a slice fills up with the last token.
    let next = Operator::Slice {
        axis: 1,
        start: Position::FromStart(1),
        step: 1,
        length: ROWS,
    };
    let next = w.node("next", next, &[SEQUENCE]);
    let same = w.binary("as_selected", Binary::Equal, selected, next);
    let prompt_end = w.binary("last_place_of_prompt", Binary::Sub, places.prompt, one);
    let given = w.binary("next_is_given", Binary::Less, places.position, prompt_end);
    let at_end = w.binary("at_end", Binary::GreaterOrEqual, places.position, places.last);
    let free = w.binary("free", Binary::Or, given, at_end);
    let follows = w.binary("as_selected_or_free", Binary::Or, same, free);
    w.reduce("follows", Reduction::All, follows)
}

/// Whether the last token is a stop token, and whether none stands between the prompt and it.
fn stops(w: &mut Writer, places: &Places, stop_tokens: &[i64]) -> Option<(Value, Value)> {
    let mut is_stop = None;
    for token in stop_tokens {
        let stop = w.integer(&format!("stop_token_{token}"), *token);
        let is_this = w.binary(&format!("is_{token}"), Binary::Equal, SEQUENCE, stop);
        is_stop = Some(match is_stop {
            None => is_this,
            Some(others) => w.binary(&format!("is_{token}_or_before"), Binary::Or, others, is_this),
        });
    }
    let is_stop = is_stop?;
    let end = Operator::Slice {
        axis: 1,
        start: Position::FromEnd(1),
        step: 1,
        length: ONE,
    };
    let stopped = w.node("last_is_stop", end, &[is_stop]);
    let stopped = w.reshape("stopped", stopped, &[ONE]);
    let made = w.binary("is_made", Binary::GreaterOrEqual, places.position, places.prompt);
    let inner = w.binary("before_end", Binary::Less, places.position, places.last);
    let inner = w.binary("made_before_end", Binary::And, made, inner);
    let passed = w.binary("passed_over", Binary::And, is_stop, inner);
    let kept = w.unary("not_passed_over", Unary::Not, passed);
    Some((stopped, w.reduce("none_before", Reduction::All, kept)))
}
