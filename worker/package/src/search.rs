//! Packages in a folder and below it, told apart without reading their weights.

use crate::{MANIFEST_FILE, PackageError, read_manifest};
use assay_exact::digest::manifest_hash;
use assay_ops::tensor::{Blake2b256, Digest};
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Levels below the named folder in which packages are found: `models/NAME/package` is two.
const LEVELS: usize = 2;
/// Maximum number of folders, and of files in a package, that a search looks at.
const MAX_ENTRIES: usize = 10_000;

/// The folders with a package: the named one, those in it and those in these, in the order of their levels and names.
/// A folder that cannot be read has none.
pub fn folders(folder: &Path) -> Vec<PathBuf> {
    let (mut all, mut level) = (vec![folder.to_owned()], vec![folder.to_owned()]);
    for _ in 0..LEVELS {
        level = level.iter().flat_map(|folder| entries(folder)).collect();
        level.retain(|path| path.is_dir());
        level.truncate(MAX_ENTRIES.saturating_sub(all.len()));
        all.extend_from_slice(&level);
    }
    all.retain(|folder| folder.join(MANIFEST_FILE).is_file());
    all
}

/// The hash under which a model's parts name the manifest of the package in this folder. Reads the manifest alone, so
/// the rest of the package may be damaged.
pub fn manifest_hash_in(folder: &Path) -> Result<Digest, PackageError> {
    let (text, _) = read_manifest(folder)?;
    Ok(manifest_hash::<Blake2b256>(text.as_bytes()))
}

/// Sizes and times of change of the files of all packages that [`folders`] finds. As long as a stamp stays the same, a
/// search need not be repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Stamp {
    /// The stamp of this folder now.
    pub fn of(folder: &Path) -> Self {
        let files = folders(folder).into_iter().flat_map(|package| entries(&package));
        let stamped = files.filter_map(|path| {
            let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
            Some((path, metadata.len(), metadata.modified().ok()))
        });
        Self(stamped.collect())
    }
}

/// The paths in a folder, by their names; none if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.take(MAX_ENTRIES).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Package;

    fn digits() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits/package")
    }

    #[test]
    fn packages_are_found_whatever_their_folder_is_called_two_levels_down_and_no_deeper() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(folders(folder.path()), Vec::<PathBuf>::new());
        let places = ["b", "a/package-generation", "a/deep/package"];
        for place in places {
            let place = folder.path().join(place);
            fs::create_dir_all(place.parent().expect("it is in a folder")).expect("a new folder");
            std::os::unix::fs::symlink(digits(), place).expect("a new link");
        }
        let expected = ["b", "a/package-generation"].map(|place| folder.path().join(place));
        assert_eq!(folders(folder.path()), expected);
        assert_eq!(folders(&digits()), [digits()]);
        assert_eq!(folders(&folder.path().join("none")), Vec::<PathBuf>::new());
    }

    #[test]
    fn manifest_tells_a_package_apart_and_one_that_is_no_manifest_is_an_error() {
        let package = Package::load(&digits()).expect("committed");
        assert_eq!(
            manifest_hash_in(&digits()).expect("committed"),
            package.parts().manifest_hash
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(
            manifest_hash_in(folder.path()),
            Err(PackageError::File { .. })
        ));
        fs::write(folder.path().join(MANIFEST_FILE), "name = 3").expect("the folder can be written");
        assert!(matches!(
            manifest_hash_in(folder.path()),
            Err(PackageError::Manifest { .. })
        ));
    }

    #[test]
    fn stamp_changes_with_any_file_of_a_package_and_with_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let package = folder.path().join("digits/package");
        Package::load(&digits())
            .expect("committed")
            .save(&package)
            .expect("written");
        let before = Stamp::of(folder.path());
        assert_eq!(before, Stamp::of(folder.path()));
        fs::write(folder.path().join("notes.txt"), "no package").expect("the folder can be written");
        assert_eq!(before, Stamp::of(folder.path()));
        fs::write(package.join("graph.scale"), "damaged").expect("the folder can be written");
        assert_ne!(before, Stamp::of(folder.path()));
    }
}
