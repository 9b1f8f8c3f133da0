//! Lies about generations: sequences that the model does not generate for the client's prompt.

use crate::story::Kind;
use assay_daemon::{
    games::Work,
    serve::{executor::sequence_output, memory::Output},
};
use assay_engine::{
    Engine, ReferenceEngine,
    generate::{Generator, Sampling},
};
use assay_exact::tensor::Tensor;

/// Seeds that are tried for another sequence.
const SEEDS: i64 = 16;

/// The sequence that is claimed instead of an honest one. Where the kind of lie gives no other one, its last token is
/// changed.
pub fn lie(kind: Kind, work: &Work<'_>, honest: Output) -> Output {
    let tokens = integers(&honest.bytes);
    let prompt = work
        .inputs
        .first()
        .map_or(Vec::new(), |prompt| integers(prompt.bytes()));
    let told = match kind {
        Kind::StopsEarly => stopped(&tokens, prompt.len()),
        Kind::OtherDraw => drawn_otherwise(work, &prompt, &tokens),
        _ => None,
    };
    let told = told.unwrap_or_else(|| changed(&tokens));
    tracing::warn!(job = work.job, lie = ?kind, ?told, right = ?tokens, "lying");
    sequence_output(&told)
}

/// The sequence with another last token.
fn changed(tokens: &[i64]) -> Vec<i64> {
    let mut changed = tokens.to_vec();
    if let Some(last) = changed.last_mut() {
        // Every vocabulary has the tokens 0 and 1.
        *last = i64::from(*last == 0);
    }
    changed
}

/// The sequence without its last token, if another one was generated before that.
fn stopped(tokens: &[i64], prompt: usize) -> Option<Vec<i64>> {
    let (_, shorter) = tokens.split_last()?;
    (shorter.len() > prompt).then(|| shorter.to_vec())
}

/// The sequence that the model generates from the same prompt with another seed, if it is another one.
fn drawn_otherwise(work: &Work<'_>, prompt: &[i64], tokens: &[i64]) -> Option<Vec<i64>> {
    let sampling = sampling(work.inputs)?;
    let model = ReferenceEngine.load(&work.model.package).ok()?;
    let mut generator = Generator::new(&model).ok()?;
    (1..=SEEDS).find_map(|more| {
        let seed = sampling.seed.wrapping_add(more);
        let drawn = generator.generate(prompt, Sampling { seed, ..sampling }, |_| {}).ok()?;
        (drawn != tokens).then_some(drawn)
    })
}

fn sampling(inputs: &[Tensor]) -> Option<Sampling> {
    let [_, temperature, top_p, top_k, seed, max_tokens] = inputs else {
        return None;
    };
    let number = |tensor: &Tensor| Some(f32::from_le_bytes(tensor.bytes().try_into().ok()?));
    let integer = |tensor: &Tensor| Some(i64::from_le_bytes(tensor.bytes().try_into().ok()?));
    Some(Sampling {
        temperature: number(temperature)?,
        top_p: number(top_p)?,
        top_k: u32::try_from(integer(top_k)?).ok()?,
        seed: integer(seed)?,
        max_tokens: u32::try_from(integer(max_tokens)?).ok()?,
    })
}

fn integers(bytes: &[u8]) -> Vec<i64> {
    let words = bytes.as_chunks::<8>().0.iter();
    words.map(|word| i64::from_le_bytes(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_are_other_sequences_with_the_same_prompt() {
        assert_eq!(changed(&[4, 5, 0]), [4, 5, 1]);
        assert_eq!(changed(&[4, 5, 6]), [4, 5, 0]);
        assert_eq!(stopped(&[4, 5, 6], 1), Some(vec![4, 5]));
        assert_eq!(stopped(&[4, 5, 6], 2), None, "a sequence is longer than its prompt");
    }
}
