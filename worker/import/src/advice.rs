//! Reasons for which operators are refused, and what to do instead.

/// Core ATen operators that are refused: why, and what helps.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("_adaptive_avg_pool2d_backward.default", TRAINING),
    ("_local_scalar_dense.default", UNKNOWN_SIZE),
    (
        "_native_batch_norm_legit.no_stats",
        "a job would depend on the others of its batch: export the model after `eval()`, with running statistics",
    ),
    ("_pdist_forward.default", "use `cdist` of the rows with themselves"),
    (
        "as_strided.default",
        "it depends on how a tensor lies in memory: use `view`, `unfold`, slices or indices",
    ),
    ("atan2.out", "it writes into an argument: use `atan2`"),
    ("avg_pool2d_backward.default", TRAINING),
    ("convolution_backward.default", TRAINING),
    ("embedding_dense_backward.default", TRAINING),
    ("max_pool2d_with_indices_backward.default", TRAINING),
    ("native_group_norm_backward.default", TRAINING),
    ("native_layer_norm_backward.default", TRAINING),
    ("nonzero.default", UNKNOWN_SIZE),
    ("rand.default", RANDOM),
    ("randn.default", RANDOM),
    ("randperm.default", RANDOM),
    ("sym_storage_offset.default", LAYOUT),
    ("sym_stride.int", LAYOUT),
];

/// Other operators that are refused, as the program names them without `torch.ops`.
pub(super) const OUTSIDE_CORE: &[(&str, &str)] = &[
    (
        "torchvision.nms.default",
        "as many boxes stay as the elements decide: export the model up to boxes and scores, and choose among them \
         outside of it",
    ),
    (
        "torchvision.roi_align.default",
        "how many regions there are is decided by the elements before it: export the model up to its regions, and \
         what follows with `grid_sample` of a fixed number of regions",
    ),
    (
        "torchvision.deform_conv2d.default",
        "write it as `grid_sample` at the moved places and a linear layer over what is taken",
    ),
    ("aten.masked_select.default", UNKNOWN_SIZE),
    ("aten.nonzero.default", UNKNOWN_SIZE),
    ("aten.unique_consecutive.default", UNKNOWN_SIZE),
    ("aten._unique2.default", UNKNOWN_SIZE),
    ("aten.item.default", UNKNOWN_SIZE),
    ("aten.bernoulli.default", RANDOM),
    ("aten.multinomial.default", RANDOM),
    ("aten.rand_like.default", RANDOM),
    ("aten.randn_like.default", RANDOM),
];

/// Why an operator is refused and what helps, if the tables say it.
pub(super) fn advice(operator: &str) -> Option<&'static str> {
    let core = operator.strip_prefix("aten.");
    let core = REFUSED.iter().filter(|(name, _)| core == Some(*name));
    let others = OUTSIDE_CORE.iter().filter(|(name, _)| operator == *name);
    core.chain(others).map(|(_, advice)| *advice).next()
}

const TRAINING: &str = "it belongs to training";
const UNKNOWN_SIZE: &str =
    "its result is a size or a number that only the elements decide: compute with a fixed size and a mask";
const RANDOM: &str = "a model has one result for one input: take the random numbers as an input";
const LAYOUT: &str = "exact arithmetic has no layout in memory; the import passes over it where nothing uses it";

#[cfg(test)]
mod tests {
    use crate::error::{ImportError, Place};

    #[test]
    fn a_refusal_says_what_to_do_instead_once_for_each_operator() {
        let place = |operator: &str, node: &str| Place {
            operator: operator.to_owned(),
            node: node.to_owned(),
            source: "model.py:3".to_owned(),
        };
        let places = vec![
            place("torchvision.nms.default", "nms"),
            place("torchvision.nms.default", "nms_1"),
            place("aten.randn.default", "randn"),
            place("evil.system.default", "system"),
        ];
        let text = ImportError::Operators(places).to_string();
        assert!(
            text.starts_with("exact arithmetic does not define torchvision.nms.default (node nms, model.py:3), "),
            "{text}"
        );
        assert_eq!(
            text.matches("export the model up to boxes and scores").count(),
            1,
            "{text}"
        );
        assert!(
            text.contains("; aten.randn.default: a model has one result for one input"),
            "{text}"
        );
        assert!(!text.contains("evil.system.default:"), "{text}");
    }
}
