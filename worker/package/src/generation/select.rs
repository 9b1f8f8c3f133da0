//! The token that is selected after every position of a sequence.

use super::{LENGTH, MAX_CANDIDATES, SEED, TEMPERATURE, TOP_K, TOP_P, writer::Writer};
use assay_exact::graph::{Binary, Dimension, MAX_ROW_BYTES, Operator, Position, Reduction, Unary, Value};

const ONE: Dimension = Dimension::Fixed(1);
const ROWS: Dimension = Dimension::Symbol(LENGTH);
/// Numbers of a row.
const ROW: u32 = (MAX_ROW_BYTES / 4) as u32;
/// The dimension of the candidates, and before that of the vocabulary.
const LAST: u8 = 2;

/// The best tokens after each position, the best first: of equal ones the lower.
struct Candidates {
    /// Their logits, `[1, T, count]`.
    logits: Value,
    /// Which tokens they are, `[1, T, count]`.
    tokens: Value,
    count: u32,
}

/// The tokens `[1, T]` that logits `[1, T, vocabulary]` select.
pub(super) fn selected(w: &mut Writer, logits: Value, vocabulary: u32) -> Value {
    let best = candidates(w, logits, vocabulary);
    let [temperature, top_p, top_k, seed] = [
        ("temperature", TEMPERATURE),
        ("top_p", TOP_P),
        ("top_k", TOP_K),
        ("seed", SEED),
    ]
    .map(|(name, input)| w.reshape(name, input, &[ONE; 3]));
    let (zero, one) = (w.integer("first_rank", 0), w.integer("only_one", 1));
    let (cold, unit) = (w.number("cold", 0.0), w.number("unit", 1.0));
    // NaN is not above 0.
    let warm = w.binary("warm", Binary::Greater, temperature, cold);
    let several = w.binary("several", Binary::NotEqual, top_k, one);
    let sampled = w.binary("sampled", Binary::And, warm, several);
    let divisor = w.select("divisor", sampled, temperature, unit);
    let scaled = w.binary("scaled", Binary::Div, best.logits, divisor);

    let rank = w.arange("ranks", 0, 1, Dimension::Fixed(best.count));
    let rank = w.reshape("rank", rank, &[ONE, ONE, Dimension::Fixed(best.count)]);
    let first = w.binary("first", Binary::Equal, rank, zero);
    let in_k = w.binary("below_top_k", Binary::Less, rank, top_k);
    let in_k = w.binary("in_top_k", Binary::Or, in_k, first);
    let never = w.number("never", f32::NEG_INFINITY);
    let in_p = in_top_p(
        w,
        &Top {
            in_k,
            first,
            top_p,
            unit,
            never,
        },
        scaled,
        best.count,
    );

    let kept = w.binary("kept", Binary::And, in_k, in_p);
    let noise = noise(w, seed, best.tokens);
    let noisy = w.binary("noisy", Binary::Add, scaled, noise);
    let noisy = w.select("drawn_from", kept, noisy, never);
    let drawn = w.reduce("drawn", Reduction::ArgMax, noisy);
    let drawn = w.reshape("drawn_rank", drawn, &[ONE, ROWS, ONE]);
    let chosen = w.select("chosen", sampled, drawn, zero);
    let token = w.gather("token", best.tokens, chosen, LAST);
    w.reshape("selected", token, &[ONE, ROWS])
}

/// The candidates. A row of the vocabulary may be longer than an operator takes, so the best of each piece come first.
fn candidates(w: &mut Writer, logits: Value, vocabulary: u32) -> Candidates {
    let count = MAX_CANDIDATES.min(vocabulary);
    let largest = true;
    if vocabulary <= ROW {
        let tokens = w.node("best", Operator::TopK { count, largest }, &[logits]);
        let logits = w.gather("best_logits", logits, tokens, LAST);
        return Candidates { logits, tokens, count };
    }
    let pieces = vocabulary.div_ceil(ROW);
    let size = vocabulary.div_ceil(pieces);
    let missing = pieces * size - vocabulary;
    let mut row = logits;
    if missing > 0 {
        // They stand last, so every token of the same logit is better.
        let padding = Operator::Pad {
            axis: LAST,
            before: 0,
            after: missing,
            bits: u64::from(f32::NEG_INFINITY.to_bits()),
        };
        row = w.node("padded", padding, &[row]);
    }
    let [all, one] = [pieces, size].map(Dimension::Fixed);
    let rows = w.reshape("pieces", row, &[ONE, ROWS, all, one]);
    let places = w.node("best_of_pieces", Operator::TopK { count, largest }, &[rows]);
    let found = w.gather("logits_of_pieces", rows, places, LAST + 1);
    let begins = w.arange("beginnings", 0, i64::from(size), all);
    let begins = w.reshape("beginning", begins, &[ONE, ONE, all, ONE]);
    let tokens = w.binary("tokens_of_pieces", Binary::Add, places, begins);
    let joined = [ONE, ROWS, Dimension::Fixed(pieces * count)];
    let found = w.reshape("joined_logits", found, &joined);
    let tokens = w.reshape("joined_tokens", tokens, &joined);
    let best = w.node("best", Operator::TopK { count, largest }, &[found]);
    Candidates {
        logits: w.gather("best_logits", found, best, LAST),
        tokens: w.gather("best_tokens", tokens, best, LAST),
        count,
    }
}

/// Needs of top-p besides the scaled logits.
struct Top {
    in_k: Value,
    first: Value,
    top_p: Value,
    unit: Value,
    never: Value,
}

/// Whether each candidate is among the first ones whose probabilities reach top_p together: whether the better ones do
/// not reach it. All of them are, unless top_p is below 1.
fn in_top_p(w: &mut Writer, top: &Top, scaled: Value, count: u32) -> Value {
    let among = w.select("among_top_k", top.in_k, scaled, top.never);
    let probabilities = w.node("probabilities", Operator::Softmax, &[among]);
    let sums = w.node("sums", Operator::CumSum, &[probabilities]);
    let padding = Operator::Pad {
        axis: LAST,
        before: 1,
        after: 0,
        bits: 0,
    };
    let sums = w.node("sums_after_none", padding, &[sums]);
    let slice = Operator::Slice {
        axis: LAST,
        start: Position::FromStart(0),
        step: 1,
        length: Dimension::Fixed(count),
    };
    let better = w.node("sums_of_better", slice, &[sums]);
    let below = w.binary("below_top_p", Binary::Less, better, top.top_p);
    let limited = w.binary("limited", Binary::Less, top.top_p, top.unit);
    let unlimited = w.unary("unlimited", Unary::Not, limited);
    let below = w.binary("below_or_unlimited", Binary::Or, below, unlimited);
    w.binary("in_top_p", Binary::Or, below, top.first)
}

/// Gumbel noise for each candidate: a function of seed, position and token.
fn noise(w: &mut Writer, seed: Value, tokens: Value) -> Value {
    let positions = w.arange("positions", 0, 1, ROWS);
    let positions = w.reshape("position", positions, &[ONE, ROWS, ONE]);
    let mut noise = w.node("uniform", Operator::Random, &[seed, positions, tokens]);
    for (name, function) in [
        ("log_uniform", Unary::Log),
        ("exponential", Unary::Neg),
        ("log_exponential", Unary::Log),
        ("noise", Unary::Neg),
    ] {
        noise = w.unary(name, function, noise);
    }
    noise
}
