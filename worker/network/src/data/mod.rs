//! Data by digest: tensors, lists of tensors and packages, verified as they arrive.
//!
//! # What a digest names
//!
//! | digest | what a peer gives | why it can be believed |
//! |---|---|---|
//! | tensor | [`TensorHeader`]: type, shape, root of the tree | the digest is the header's hash |
//! | tensor | a range of chunks | the root, see [`tree`] |
//! | list, such as the inputs of a job | the digests of its tensors | the digest is the list's hash |
//! | model root | [`Listing`](wire::Listing): parts, manifest, digests of the weights and files | see below |
//!
//! The model root is the hash of the parts; the parts hold the hash of the manifest and the list digest of the weights.
//! Each weight is a tensor, and is fetched into its place in the file of weights, which the graph alone decides
//! ([`WeightsLayout`](assay_package::weights::WeightsLayout)). The manifest's other files, such as the graph and a
//! tokenizer, are fetched as tensors of bytes under digests that only the listing claims; when such a file has arrived,
//! the hash in the manifest is compared, and a peer that listed another file is dropped. What such a lie costs is
//! bounded by [`MAX_FILE_BYTES`](package::MAX_FILE_BYTES).
//!
//! # On the wire
//!
//! A stream of `/assay/data/1` carries requests and answers, see [`wire`]. A fetch cuts what it wants into windows of
//! 1 MiB, which any provider can deliver in any order, and keeps a checklist of the windows that it has.

pub(crate) mod ask;
pub(crate) mod board;
pub(crate) mod fetch;
pub mod package;
pub(crate) mod partial;
pub(crate) mod plan;
pub(crate) mod provider;
pub(crate) mod rate;
pub(crate) mod serve;
pub(crate) mod standing;
pub mod store;
pub mod tree;
pub mod wire;

pub use fetch::Sources;
pub use store::{Content, LocalStore, Store};
pub use tree::TensorHeader;
