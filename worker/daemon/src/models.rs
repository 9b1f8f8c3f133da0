//! The models that this program can execute, by the roots under which they are registered.

use crate::dispute::{Subject, Tracer};
use assay_engine::Engine;
use assay_ops::program::EngineError;
use assay_package::{MANIFEST_FILE, Package, PackageError};
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
    /// Trees that disputes need; they are made when the first one begins, since it hashes all weights.
    subject: OnceLock<Arc<Subject>>,
}

impl Model {
    /// Executes it with everything on the way.
    pub(crate) fn tracer(&self) -> &dyn Tracer {
        &*self.tracer
    }

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
pub enum LoadError {
    /// There is none.
    #[error(
        "model {path}: the folder holds no package (no {MANIFEST_FILE}): get the package, correct its name, or let \
         --network fetch it"
    )]
    Missing {
        /// Its folder.
        path: PathBuf,
    },
    /// It is damaged, or not one that can be executed.
    #[error("model {path}: {source}")]
    Unusable {
        /// Its folder.
        path: PathBuf,
        /// Why not.
        source: PackageError,
    },
    /// It is there twice.
    #[error("models {first} and {second} are the same package: leave one of them out")]
    Twice {
        /// One folder.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
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

    /// Those that are not among these.
    pub fn without<T>(&self, others: &BTreeMap<H256, T>) -> Self {
        let left = self.0.iter().filter(|(root, _)| !others.contains_key(root));
        Self(Arc::new(left.map(|(root, model)| (*root, model.clone())).collect()))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&H256, &Arc<Model>)> {
        self.0.iter()
    }
}

/// A package, and the folder that it is in.
pub type PackageAt = (PathBuf, Arc<Package>);

/// Reads a package and checks all of it.
pub fn read(path: PathBuf) -> Result<Arc<Package>, LoadError> {
    if !path.join(MANIFEST_FILE).is_file() {
        return Err(LoadError::Missing { path });
    }
    match Package::load(&path) {
        Ok(package) => Ok(Arc::new(package)),
        Err(source) => Err(LoadError::Unusable { path, source }),
    }
}

/// Reads packages, of which no two may be the same.
pub fn read_all(paths: impl IntoIterator<Item = PathBuf>) -> Result<Vec<PackageAt>, LoadError> {
    let (mut packages, mut known) = (Vec::new(), BTreeMap::new());
    for path in paths {
        let package = read(path.clone())?;
        if let Some(first) = known.insert(package.root(), path.clone()) {
            return Err(LoadError::Twice { first, second: path });
        }
        packages.push((path, package));
    }
    Ok(packages)
}

/// Reads those of these packages that can be used, and says why the others cannot.
pub fn read_usable(paths: impl IntoIterator<Item = PathBuf>) -> (Vec<PackageAt>, Vec<LoadError>) {
    let (mut packages, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        match read(path.clone()) {
            Ok(package) => packages.push((path, package)),
            Err(error) => failed.push(error),
        }
    }
    (packages, failed)
}

/// The folders in this one that hold a package, by their names.
pub fn folders(models_dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(models_dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut folders = entries.collect::<Result<Vec<_>, _>>()?;
    folders.retain(|folder| folder.join(MANIFEST_FILE).is_file());
    folders.sort();
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_there_twice_is_refused_with_both_folders() {
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let link = folder.path().join("again");
        std::os::unix::fs::symlink(digits.join("package"), &link).expect("a new link");
        assert_eq!(
            read_all([digits.join("package")]).map(|packages| packages.len()).ok(),
            Some(1)
        );
        let error = read_all([digits.join("package"), link]).expect_err("twice").to_string();
        assert!(error.contains("digits/package") && error.contains("again"), "{error}");
        let error = read_all([digits.join("inputs")]).expect_err("no package").to_string();
        assert!(error.contains("digits/inputs: the folder holds no package"), "{error}");
    }
}
