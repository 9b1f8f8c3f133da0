//! Answers by name, for models whose package has the name of each class, one a line.
//!
//! * **`labels.txt`** names the classes of a row of logits.
//! * **`characters.txt`** names those of a row of steps, as a model gives them that reads text: the best class of each.

use assay_ops::tensor::{DataType, Tensor};
use assay_package::Package;
use serde::Serialize;

/// Name of the asset that names the classes.
pub const LABELS_FILE: &str = "labels.txt";

/// Name of the asset that names the characters.
pub const CHARACTERS_FILE: &str = "characters.txt";

/// The names of a model's classes, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Vec<String>);

/// A class that the model thinks of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranked {
    /// Its name.
    pub label: String,
    /// Its probability: the softmax of a row of logits.
    pub probability: f64,
}

impl Labels {
    /// The names in a package; `None` if it has none.
    pub fn of(package: &Package) -> Option<Self> {
        let text = std::str::from_utf8(package.asset(LABELS_FILE)?).ok()?;
        Some(Self(text.lines().map(str::to_owned).collect()))
    }

    /// The most probable classes of a tensor that is one row of logits, best first; `None` if it is another tensor.
    pub fn rank(&self, logits: &Tensor, count: usize) -> Option<Vec<Ranked>> {
        let (classes, rest) = logits.shape().split_last()?;
        let is_row = rest.iter().all(|rows| *rows == 1) && *classes as usize == self.0.len();
        if logits.dtype() != DataType::Float32 || !is_row {
            return None;
        }
        let logits = logits.bytes().as_chunks().0.iter();
        let logits: Vec<f64> = logits.map(|bytes| f32::from_le_bytes(*bytes).into()).collect();
        let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = logits.iter().map(|logit| (logit - greatest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        if !sum.is_finite() || sum <= 0.0 {
            return None;
        }
        let ranked = self.0.iter().zip(powers).map(|(label, power)| Ranked {
            label: label.clone(),
            probability: power / sum,
        });
        let mut ranked: Vec<Ranked> = ranked.collect();
        // Stable, so the first of equals is first.
        ranked.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        ranked.truncate(count);
        Some(ranked)
    }
}

/// Characters that the classes of a step stand for; the first stands for no character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Characters(Vec<String>);

impl Characters {
    /// The characters in a package; `None` if it has none.
    pub fn of(package: &Package) -> Option<Self> {
        let text = std::str::from_utf8(package.asset(CHARACTERS_FILE)?).ok()?;
        Some(Self(text.split_terminator('\n').map(str::to_owned).collect()))
    }

    /// The text of one row of steps (connectionist temporal classification): a class that follows itself is the same
    /// character, and class 0 parts two that are alike. `None` if the tensor is another, or a class has no character.
    pub fn spell(&self, classes: &Tensor) -> Option<String> {
        let (_, rest) = classes.shape().split_last()?;
        if classes.dtype() != DataType::Int64 || rest.iter().any(|rows| *rows != 1) {
            return None;
        }
        let mut text = String::new();
        let mut before = 0;
        for bytes in classes.bytes().as_chunks().0 {
            let class = usize::try_from(i64::from_le_bytes(*bytes)).ok()?;
            let character = self.0.get(class)?;
            if class != 0 && class != before {
                text.push_str(character);
            }
            before = class;
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(logits: &[f32]) -> Tensor {
        let bytes = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
        Tensor::new(DataType::Float32, vec![1, logits.len() as u32], bytes).expect("as many numbers")
    }

    fn labels() -> Labels {
        Labels(["cat", "dog", "cup"].map(str::to_owned).into())
    }

    #[test]
    fn the_best_classes_come_first_with_their_softmax() {
        let ranked = labels()
            .rank(&row(&[0.0, 2.0_f32.ln(), 0.0]), 2)
            .expect("a row of three");
        let names: Vec<&str> = ranked.iter().map(|class| class.label.as_str()).collect();
        assert_eq!(names, ["dog", "cat"]);
        assert!((ranked[0].probability - 0.5).abs() < 1e-6, "{ranked:?}");
        assert!((ranked[1].probability - 0.25).abs() < 1e-6, "{ranked:?}");
    }

    #[test]
    fn steps_are_spelt_without_repetitions_and_blanks() {
        let characters = Characters(["", "a", "l", " "].map(str::to_owned).into());
        let steps = |classes: &[i64]| {
            let bytes = classes.iter().flat_map(|class| class.to_le_bytes()).collect();
            Tensor::new(DataType::Int64, vec![1, classes.len() as u32], bytes).expect("as many classes")
        };
        assert_eq!(
            characters.spell(&steps(&[0, 1, 1, 2, 0, 2, 2, 3])).as_deref(),
            Some("all ")
        );
        assert_eq!(characters.spell(&steps(&[4])), None);
        assert_eq!(characters.spell(&steps(&[-1])), None);
        assert_eq!(characters.spell(&row(&[0.0])), None);
    }

    #[test]
    fn what_is_no_row_of_as_many_logits_has_no_ranks() {
        assert_eq!(labels().rank(&row(&[0.0, 1.0]), 2), None);
        assert_eq!(labels().rank(&row(&[f32::NAN, 0.0, 1.0]), 2), None);
        let rows = Tensor::new(DataType::Float32, vec![2, 3], vec![0; 24]).expect("six numbers");
        assert_eq!(labels().rank(&rows, 2), None);
        let integers = Tensor::new(DataType::Int32, vec![1, 3], vec![0; 12]).expect("three numbers");
        assert_eq!(labels().rank(&integers, 2), None);
    }
}
