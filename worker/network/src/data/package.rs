//! Packages by model root: the listing, the small files, and the weights, each verified by what commits to it.

use super::{
    ask,
    fetch::{self, Sources},
    partial,
    plan::{Piece, Plan},
    wire::{Answer, Listing, MAX_FILES, Request},
};
use crate::{
    error::{Fault, NetworkError},
    node::Peers,
};
use assay_exact::{
    digest::{list_digest, manifest_hash, tensor_size_bytes},
    graph::{CheckedGraph, Graph},
    model::ModelParts,
};
use assay_ops::tensor::{Blake2b256, Digest};
use assay_package::{
    FileEntry, MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, Package, PackageError, weights::WeightsLayout,
};
use codec::DecodeAll;
use libp2p::PeerId;
use std::{fs, path::Path};
use tokio::task::spawn_blocking;

/// Bytes of a package's file that is not the weights. The file is read into memory to be compared with its hash.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// A listing that is the model root's, apart from the digests of the small files.
struct Listed {
    listing: Listing,
    manifest: Manifest,
}

/// Fetches a package into a folder, going on with what is there from before, and loads it.
pub(crate) async fn fetch(
    peers: &Peers,
    root: Digest,
    folder: &Path,
    sources: &Sources,
) -> Result<Package, NetworkError> {
    let sources = Sources {
        search: Some(root),
        ..sources.clone()
    };
    let (peer, listed) = ask::any(peers, &sources, root, &Request::Package(root), |_, answer| {
        check(answer, root)
    })
    .await?;
    fs::create_dir_all(folder).map_err(|error| NetworkError::of_file(folder, error))?;
    for entry in listed
        .manifest
        .files()
        .filter(|entry| entry.file != listed.manifest.weights.file)
    {
        small_file(peers, peer, &listed.listing, entry, folder, &sources).await?;
    }
    let graph = graph(&listed, folder, root)?;
    weights(peers, &listed, &graph, folder, &sources).await?;
    let manifest_path = folder.join(MANIFEST_FILE);
    let written = assay_package::atomic::replace(&manifest_path, &listed.listing.manifest, 0o644);
    written.map_err(|error| NetworkError::of_file(&manifest_path, error))?;
    let package = match load(folder).await {
        // A file of the right size that was there before, and is another one.
        Err(NetworkError::Package(PackageError::Mismatch { .. })) => {
            let path = folder.join(&listed.manifest.weights.file);
            fs::remove_file(&path).map_err(|error| NetworkError::of_file(&path, error))?;
            weights(peers, &listed, &graph, folder, &sources).await?;
            load(folder).await?
        }
        loaded => loaded?,
    };
    match package.root() == root {
        true => Ok(package),
        false => Err(NetworkError::Root {
            expected: root,
            actual: package.root(),
        }),
    }
}

async fn load(folder: &Path) -> Result<Package, NetworkError> {
    let path = folder.to_owned();
    let loaded = spawn_blocking(move || Package::load(&path)).await;
    Ok(loaded.map_err(|_| NetworkError::Stopped)??)
}

/// Checks a listing against the model root.
fn check(answer: Answer, root: Digest) -> Result<Listed, Fault> {
    let Answer::Package(listing) = answer else {
        return Err(Fault::Protocol);
    };
    let listing = *listing;
    let is_bounded = listing.manifest.len() as u64 <= MAX_MANIFEST_BYTES && listing.files.len() <= MAX_FILES;
    let is_of_root = listing.parts.root::<Blake2b256>() == root
        && listing.parts.manifest_hash == manifest_hash::<Blake2b256>(&listing.manifest)
        && listing.parts.head.weights_root == list_digest::<Blake2b256>(&listing.weights);
    if !is_bounded || !is_of_root {
        return Err(Fault::Lie);
    }
    let text = std::str::from_utf8(&listing.manifest).map_err(|_| Fault::Lie)?;
    let manifest = Manifest::parse(text).map_err(|_| Fault::Lie)?;
    Ok(Listed { listing, manifest })
}

/// Fetches a file that the manifest commits to by its hash, unless it is there.
async fn small_file(
    peers: &Peers,
    lister: PeerId,
    listing: &Listing,
    entry: &FileEntry,
    folder: &Path,
    sources: &Sources,
) -> Result<(), NetworkError> {
    if entry.bytes > MAX_FILE_BYTES {
        return Err(NetworkError::TooLarge {
            what: "a file of the package",
            actual: entry.bytes,
            max: MAX_FILE_BYTES,
        });
    }
    let path = folder.join(&entry.file);
    let is_begun = partial::checklist_path(&path).exists();
    if !is_begun && fs::read(&path).is_ok_and(|content| entry.check(&content).is_ok()) {
        return Ok(());
    }
    let listed = listing.files.iter().find(|(name, _)| *name == entry.file);
    let Some((_, digest)) = listed else {
        return Err(peers.fault(lister, Fault::Lie));
    };
    fetch::into_file(peers, Plan::of_tensor(*digest, entry.bytes)?, &path, sources).await?;
    let content = fs::read(&path).map_err(|error| NetworkError::of_file(&path, error))?;
    entry.check(&content).map_err(|_| {
        // The next attempt must not take the file for one that was begun.
        let _ = fs::remove_file(&path);
        peers.fault(lister, Fault::Lie)
    })
}

/// The graph of a package whose small files are there, checked against the model root.
fn graph(listed: &Listed, folder: &Path, root: Digest) -> Result<CheckedGraph, NetworkError> {
    let path = folder.join(&listed.manifest.graph.file);
    let bytes = fs::read(&path).map_err(|error| NetworkError::of_file(&path, error))?;
    let graph = Graph::decode_all(&mut bytes.as_slice()).map_err(|error| PackageError::Decode { error })?;
    let graph = graph.check().map_err(PackageError::Graph)?;
    let parts = &listed.listing.parts;
    let own = ModelParts::new::<Blake2b256>(&graph, parts.head.weights_root, parts.precision, parts.manifest_hash);
    match own.map(|parts| parts.root::<Blake2b256>()) {
        Some(own) if own == root && graph.graph().weights.len() == listed.listing.weights.len() => Ok(graph),
        own => Err(NetworkError::Root {
            expected: root,
            actual: own.unwrap_or_default(),
        }),
    }
}

/// Fetches the weights into their places, unless the file is there.
async fn weights(
    peers: &Peers,
    listed: &Listed,
    graph: &CheckedGraph,
    folder: &Path,
    sources: &Sources,
) -> Result<(), NetworkError> {
    let path = folder.join(&listed.manifest.weights.file);
    let layout = WeightsLayout::of(graph.graph())?;
    let is_begun = partial::checklist_path(&path).exists();
    let is_there = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == layout.file_bytes());
    if is_there && !is_begun {
        // Loading the package compares its content.
        return Ok(());
    }
    let weights = graph
        .graph()
        .weights
        .iter()
        .zip(&listed.listing.weights)
        .zip(&layout.places);
    let pieces = weights.map(|((weight, digest), place)| {
        Some(Piece {
            digest: *digest,
            bytes: tensor_size_bytes(weight.dtype, &weight.shape)?,
            offset: place.start,
        })
    });
    let pieces = pieces.collect::<Option<Vec<_>>>().ok_or(NetworkError::Shape)?;
    fetch::into_file(peers, Plan::new(layout.header, pieces)?, &path, sources).await
}
