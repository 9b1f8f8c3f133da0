//! The models that this program can execute, by the roots under which they are registered.

use crate::dispute::{Subject, Tracer};
use assay_engine::Engine;
use assay_ops::program::EngineError;
use assay_package::{Package, PackageError};
use assay_types::H256;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// A package, and whoever executes it.
pub struct Model {
    /// The package.
    pub package: Arc<Package>,
    /// Executes it with everything on the way.
    tracer: Arc<dyn Tracer>,
    /// What disputes need; made when the first one begins, since it hashes all weights.
    subject: OnceLock<Arc<Subject>>,
}

impl Model {
    /// The model as disputes are about it.
    pub fn subject(&self) -> Result<Arc<Subject>, EngineError> {
        if let Some(subject) = self.subject.get() {
            return Ok(subject.clone());
        }
        let subject = Arc::new(Subject::new(self.package.clone(), self.tracer.clone())?);
        // Two that were made at once are the same.
        Ok(self.subject.get_or_init(|| subject).clone())
    }
}

/// Models by their roots. Everybody who executes shares them, since some are large.
#[derive(Clone, Default)]
pub struct Models(Arc<BTreeMap<H256, Arc<Model>>>);

/// Why a package cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("model {path}: {source}")]
pub struct LoadError {
    /// Its folder.
    pub path: PathBuf,
    /// Why not.
    pub source: PackageError,
}

impl Models {
    /// Makes packages ready on an engine of this process.
    pub fn load<'a>(
        engine: &dyn Engine,
        packages: impl IntoIterator<Item = &'a Arc<Package>>,
    ) -> Result<Self, EngineError> {
        let models = packages.into_iter();
        let models = models.map(|package| Ok((package.clone(), Arc::new(engine.load(package)?) as Arc<dyn Tracer>)));
        Ok(Self::new(models.collect::<Result<Vec<_>, EngineError>>()?))
    }

    /// Packages, each with whoever executes it.
    pub fn new(packages: impl IntoIterator<Item = (Arc<Package>, Arc<dyn Tracer>)>) -> Self {
        let models = packages.into_iter().map(|(package, tracer)| {
            let root = H256(package.root());
            let model = Model {
                package,
                tracer,
                subject: OnceLock::new(),
            };
            (root, Arc::new(model))
        });
        Self(Arc::new(models.collect()))
    }

    /// The model with this root.
    pub fn get(&self, root: &H256) -> Option<&Arc<Model>> {
        self.0.get(root)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&H256, &Arc<Model>)> {
        self.0.iter()
    }
}

/// Reads a package and checks all of it.
pub fn read(path: PathBuf) -> Result<Arc<Package>, LoadError> {
    match Package::load(&path) {
        Ok(package) => Ok(Arc::new(package)),
        Err(source) => Err(LoadError { path, source }),
    }
}

/// The folders in this one that hold a package, by their names.
pub fn folders(models_dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(models_dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut folders = entries.collect::<Result<Vec<_>, _>>()?;
    folders.retain(|folder| folder.join(assay_package::MANIFEST_FILE).is_file());
    folders.sort();
    Ok(folders)
}
