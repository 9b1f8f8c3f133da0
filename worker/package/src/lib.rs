//! Packages: a model as a folder of data, imported from torch.export, whose root is registered on chain.
//!
//! ```text
//! manifest.toml          name, version, precision, schema, licence, and the hashes of the other files
//! graph.scale            the canonical graph (assay_exact::graph)
//! weights.safetensors    the weights that the graph uses
//! …                      assets, such as a tokenizer
//! ```
//!
//! The same program and options give the same bytes. A [`Package`] in memory has been checked in full: sizes, hashes,
//! the graph, the weights against the graph, and the manifest against both.

pub mod atomic;
pub mod costs;
pub mod dimension;
mod error;
pub mod generation;
mod inspect;
mod manifest;
pub mod picture;
pub mod search;
pub mod weights;

pub use error::PackageError;
pub use inspect::inspect;
pub use manifest::{Details, DimensionEntry, FileEntry, GenerationEntry, Manifest, SymbolEntry, TensorEntry};

use assay_exact::{
    digest::manifest_hash,
    graph::{CheckedGraph, Graph},
    model::{ModelKind, ModelParts},
    quantise::Precision,
};
use assay_ops::tensor::{Blake2b256, Digest, Tensor, list_digest};
use codec::{DecodeAll, Encode};
use generation::Generation;
use std::{fs, io::Read, path::Path};

/// Name of the manifest in a package.
pub const MANIFEST_FILE: &str = "manifest.toml";
const GRAPH_FILE: &str = "graph.scale";
const WEIGHTS_FILE: &str = "weights.safetensors";
/// Most bytes of a manifest.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// A model that has been checked and can be run, published or registered.
#[derive(Clone, Debug)]
pub struct Package {
    manifest: Manifest,
    manifest_text: String,
    graph: CheckedGraph,
    weights: Vec<Tensor>,
    weight_digests: Vec<Digest>,
    assets: Vec<(String, Vec<u8>)>,
    parts: ModelParts,
    root: Digest,
    generation: Option<Generation>,
}

impl Package {
    /// Puts a package together. `weights` are in the graph's order and canonical; `assets` are file names and contents.
    pub fn new(
        details: Details,
        precision: Precision,
        graph: CheckedGraph,
        weights: Vec<Tensor>,
        assets: Vec<(String, Vec<u8>)>,
    ) -> Result<Self, PackageError> {
        Self::of_kind(details, precision, graph, weights, assets, None)
    }

    /// Puts the package of a check graph together, whose sequences end after one of these tokens. The rest is as for
    /// [`Package::new`].
    pub fn new_generation(
        details: Details,
        precision: Precision,
        graph: CheckedGraph,
        weights: Vec<Tensor>,
        assets: Vec<(String, Vec<u8>)>,
        stop_tokens: Vec<i64>,
    ) -> Result<Self, PackageError> {
        let generation = GenerationEntry { stop_tokens };
        Self::of_kind(details, precision, graph, weights, assets, Some(generation))
    }

    fn of_kind(
        details: Details,
        precision: Precision,
        graph: CheckedGraph,
        weights: Vec<Tensor>,
        assets: Vec<(String, Vec<u8>)>,
        generation: Option<GenerationEntry>,
    ) -> Result<Self, PackageError> {
        weights::ensure_fit(graph.graph(), &weights)?;
        // The bytes are not kept: they are as many as the weights.
        let weights_file = FileEntry::of(WEIGHTS_FILE, &weights::write(graph.graph(), &weights)?);
        let mut manifest = Manifest::new(
            details,
            precision,
            &graph,
            FileEntry::of(GRAPH_FILE, &graph.graph().encode()),
            weights_file,
            assets
                .iter()
                .map(|(name, content)| FileEntry::of(name, content))
                .collect(),
        );
        manifest.generation = generation;
        manifest.check()?;
        let manifest_text = toml::to_string(&manifest).map_err(|error| PackageError::Field {
            field: "manifest",
            reason: error.to_string(),
        })?;
        let weight_digests = digests(&weights);
        let generation = recognised(&manifest, &graph)?;
        let kind = kind(generation.as_ref());
        let parts = parts(&graph, &weight_digests, precision, &manifest_text)?.with_kind(kind);
        Ok(Self {
            generation,
            root: parts.root::<Blake2b256>(),
            parts,
            manifest,
            manifest_text,
            graph,
            weights,
            weight_digests,
            assets,
        })
    }

    /// Loads a package and checks all of it. Compare [`Package::root`] with the registered one: the manifest alone only
    /// shows that the files belong together.
    pub fn load(folder: &Path) -> Result<Self, PackageError> {
        let (manifest_text, manifest) = read_manifest(folder)?;
        let graph = read_listed(folder, &manifest.graph)?;
        let graph = Graph::decode_all(&mut graph.as_slice())
            .map_err(|error| PackageError::Decode { error })?
            .check()?;
        manifest.check_schema(&graph)?;
        let weights = weights::read(graph.graph(), &read_listed(folder, &manifest.weights)?)?;
        let assets = manifest
            .assets
            .iter()
            .map(|entry| Ok((entry.file.clone(), read_listed(folder, entry)?)));
        let assets = assets.collect::<Result<Vec<_>, PackageError>>()?;
        let weight_digests = digests(&weights);
        let generation = recognised(&manifest, &graph)?;
        let kind = kind(generation.as_ref());
        let parts = parts(&graph, &weight_digests, manifest.precision()?, &manifest_text)?.with_kind(kind);
        Ok(Self {
            generation,
            root: parts.root::<Blake2b256>(),
            parts,
            manifest,
            manifest_text,
            graph,
            weights,
            weight_digests,
            assets,
        })
    }

    /// Writes the package into a folder, which is made if it is not there. Other files in it stay.
    pub fn save(&self, folder: &Path) -> Result<(), PackageError> {
        fs::create_dir_all(folder).map_err(|error| PackageError::File {
            path: folder.to_owned(),
            error,
        })?;
        let write = |name: &str, content: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, content).map_err(|error| PackageError::File { path, error })
        };
        write(GRAPH_FILE, &self.graph.graph().encode())?;
        write(WEIGHTS_FILE, &weights::write(self.graph.graph(), &self.weights)?)?;
        for (name, content) in &self.assets {
            write(name, content)?;
        }
        write(MANIFEST_FILE, self.manifest_text.as_bytes())
    }

    /// Name under which the model is registered.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The parts that the root commits to, as they are registered.
    pub fn parts(&self) -> &ModelParts {
        &self.parts
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The graph: symbols, inputs, outputs and operators.
    pub fn graph(&self) -> &CheckedGraph {
        &self.graph
    }

    /// The weights, in the graph's order.
    pub fn weights(&self) -> &[Tensor] {
        &self.weights
    }

    /// The digests of the weights, in the graph's order.
    pub fn weight_digests(&self) -> &[Digest] {
        &self.weight_digests
    }

    /// Parts of the check graph; `None` if the model is of another kind.
    pub fn generation(&self) -> Option<&Generation> {
        self.generation.as_ref()
    }

    /// The content of an asset.
    pub fn asset(&self, file: &str) -> Option<&[u8]> {
        self.assets
            .iter()
            .find(|(name, _)| name == file)
            .map(|(_, content)| content.as_slice())
    }
}

/// Parts of the check graph, if the manifest says that it is one.
fn recognised(manifest: &Manifest, graph: &CheckedGraph) -> Result<Option<Generation>, PackageError> {
    let entry = manifest.generation.as_ref();
    Ok(entry
        .map(|entry| Generation::of(graph, &entry.stop_tokens))
        .transpose()?)
}

fn kind(generation: Option<&Generation>) -> ModelKind {
    generation.map_or(ModelKind::Plain, |_| ModelKind::Generation)
}

fn digests(weights: &[Tensor]) -> Vec<Digest> {
    weights.iter().map(Tensor::digest::<Blake2b256>).collect()
}

fn parts(
    graph: &CheckedGraph,
    weights: &[Digest],
    precision: Precision,
    manifest: &str,
) -> Result<ModelParts, PackageError> {
    let manifest = manifest_hash::<Blake2b256>(manifest.as_bytes());
    let parts = ModelParts::new::<Blake2b256>(graph, list_digest::<Blake2b256>(weights), precision, manifest);
    parts.ok_or_else(|| PackageError::Field {
        field: "schema",
        reason: "has more or longer entries than a model may have".to_owned(),
    })
}

/// The manifest of the package in this folder: its text, and its fields.
fn read_manifest(folder: &Path) -> Result<(String, Manifest), PackageError> {
    let text = read_at_most(&folder.join(MANIFEST_FILE), MAX_MANIFEST_BYTES)?;
    let text = String::from_utf8(text).map_err(|_| PackageError::Field {
        field: "text",
        reason: "is not UTF-8".to_owned(),
    })?;
    let manifest = Manifest::parse(&text)?;
    Ok((text, manifest))
}

/// Reads a file that the manifest lists, and no byte more than it lists.
fn read_listed(folder: &Path, entry: &FileEntry) -> Result<Vec<u8>, PackageError> {
    let content = read_at_most(&folder.join(&entry.file), entry.bytes.saturating_add(1))?;
    entry.check(&content)?;
    Ok(content)
}

fn read_at_most(path: &Path, max: u64) -> Result<Vec<u8>, PackageError> {
    let file_error = |error| PackageError::File {
        path: path.to_owned(),
        error,
    };
    let mut content = Vec::new();
    fs::File::open(path)
        .map_err(file_error)?
        .take(max)
        .read_to_end(&mut content)
        .map_err(file_error)?;
    Ok(content)
}
