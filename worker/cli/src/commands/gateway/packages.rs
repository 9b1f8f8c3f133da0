//! The packages of the chain's models on this machine: each is loaded once, and no request waits for it.

use super::catalogue::Known;
use assay_client::{
    chain::H256,
    request::{Model, RequestError, find_package},
};
use assay_package::search::Stamp;
use assay_text::{embedding::Embedder, language::Language};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Packages by their roots. Clones are handles of the same ones.
#[derive(Clone)]
pub(super) struct Packages(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    places: Mutex<BTreeMap<H256, Place>>,
    /// One package is loaded at a time, since some are large.
    turn: Semaphore,
}

/// State of a package.
enum Place {
    /// Somebody looks for it.
    Pending,
    /// It is loaded.
    Here(Arc<Known>),
    /// It was not there, or damaged, while the folder had this stamp.
    Absent(Arc<Stamp>),
}

/// Answer to a search for a package.
pub(super) enum LookedUp {
    /// The package.
    Here(Arc<Known>),
    /// It is not known yet whether it is here.
    Pending,
    /// It is not here.
    Absent,
}

impl Packages {
    /// The packages in this folder and below it.
    pub fn new(folder: PathBuf) -> Self {
        Self(Arc::new(Shared {
            folder,
            places: Mutex::default(),
            turn: Semaphore::new(1),
        }))
    }

    /// The stamp of the folder now.
    pub async fn stamp(&self) -> Arc<Stamp> {
        let folder = self.0.folder.clone();
        let stamp = spawn_blocking(move || Stamp::of(&folder)).await;
        Arc::new(stamp.unwrap_or_default())
    }

    /// Answers from memory. A package that was not looked for since the folder has this stamp is looked for in the
    /// background.
    pub fn look_up(&self, model: &Model, stamp: &Arc<Stamp>) -> LookedUp {
        let mut places = self.places();
        match places.get(&model.record.root) {
            Some(Place::Here(known)) => return LookedUp::Here(known.clone()),
            Some(Place::Pending) => return LookedUp::Pending,
            Some(Place::Absent(at)) if at == stamp => return LookedUp::Absent,
            Some(Place::Absent(_)) | None => {}
        }
        places.insert(model.record.root, Place::Pending);
        drop(places);
        tokio::spawn(self.clone().look_for(model.clone(), stamp.clone()));
        LookedUp::Pending
    }

    /// Lets go of packages of other models than these.
    pub fn forget_others(&self, roots: &BTreeSet<H256>) {
        self.places().retain(|root, _| roots.contains(root));
    }

    async fn look_for(self, model: Model, stamp: Arc<Stamp>) {
        // The semaphore lives in `self` and is never closed.
        let _turn = self.0.turn.acquire().await;
        let (root, version, folder) = (model.record.root, model.version, self.0.folder.clone());
        let place = match spawn_blocking(move || load(&folder, model)).await {
            Ok(Some(known)) => Place::Here(Arc::new(known)),
            Ok(None) => Place::Absent(stamp),
            Err(error) => {
                tracing::error!(%error, model = %version, "the search for a model's package broke off");
                Place::Absent(stamp)
            }
        };
        self.places().insert(root, place);
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<H256, Place>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Loads a package, which may take long.
fn load(folder: &Path, model: Model) -> Option<Known> {
    match find_package(folder, &model) {
        Ok(package) => {
            let language = Language::of(&package).ok();
            let embedder = Embedder::of(&package);
            Some(Known {
                model,
                package,
                language,
                embedder,
            })
        }
        Err(error @ RequestError::NoPackage { .. }) => {
            tracing::info!(%error, "a model is not offered to applications");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "a model is not offered to applications");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::{VersionRecord, VersionStatus};
    use assay_package::Package;
    use assay_types::ModelVersion;
    use std::{fs, time::Duration};

    fn digits() -> (Package, Model) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package");
        let package = Package::load(&folder).expect("committed");
        let model = Model {
            version: ModelVersion { model: 0, version: 1 },
            record: VersionRecord {
                root: H256(package.root()),
                parts: package.parts().clone(),
                status: VersionStatus::Active,
            },
        };
        (package, model)
    }

    /// The answer once it is known.
    async fn settled(packages: &Packages, model: &Model) -> LookedUp {
        let stamp = packages.stamp().await;
        for _ in 0..1000 {
            match packages.look_up(model, &stamp) {
                LookedUp::Pending => tokio::time::sleep(Duration::from_millis(10)).await,
                known => return known,
            }
        }
        panic!("the package is looked for without end");
    }

    #[tokio::test]
    async fn package_is_loaded_once_and_a_failure_is_remembered_until_the_folder_changes() {
        let (package, model) = digits();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let packages = Packages::new(folder.path().to_owned());
        let empty = packages.stamp().await;
        assert!(matches!(packages.look_up(&model, &empty), LookedUp::Pending));
        assert!(matches!(settled(&packages, &model).await, LookedUp::Absent));
        // Nothing is looked for again as long as the stamp is the same.
        assert!(matches!(packages.look_up(&model, &empty), LookedUp::Absent));

        let place = folder.path().join("digits/package-generation");
        package.save(&place).expect("the folder can be written");
        fs::write(place.join("graph.scale"), "damaged").expect("the folder can be written");
        assert!(matches!(settled(&packages, &model).await, LookedUp::Absent));
        package.save(&place).expect("the folder can be written");
        let LookedUp::Here(first) = settled(&packages, &model).await else {
            panic!("the package is whole");
        };
        // A package that is loaded stays so, whatever becomes of its files.
        fs::remove_dir_all(&place).expect("the folder can be removed");
        let LookedUp::Here(second) = settled(&packages, &model).await else {
            panic!("the package is in memory");
        };
        assert!(Arc::ptr_eq(&first, &second));
        packages.forget_others(&BTreeSet::new());
        assert!(matches!(settled(&packages, &model).await, LookedUp::Absent));
    }
}
