//! The packages in a folder that receipts are checked with.

use crate::models::{PackageAt, folders, read_usable};
use assay_package::MANIFEST_FILE;
use assay_types::H256;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// The packages in this folder that can be used, each once: of its subfolders, of their subfolders `package`, and of
/// the folder itself. With roots, those of other models are left out.
pub(super) fn find(models_dir: &Path, roots: Option<&BTreeSet<H256>>) -> Vec<PackageAt> {
    let (packages, damaged) = read_usable(paths(models_dir));
    for error in &damaged {
        tracing::warn!(%error, "a package cannot be used to check receipts");
    }
    let mut known = BTreeSet::new();
    let wanted = packages.into_iter().filter(|(_, package)| {
        let root = H256(package.root());
        roots.is_none_or(|roots| roots.contains(&root)) && known.insert(root)
    });
    wanted.collect()
}

fn paths(models_dir: &Path) -> Vec<PathBuf> {
    let mut paths = folders(models_dir).unwrap_or_else(|error| {
        tracing::warn!(path = %models_dir.display(), %error, "the folder of packages cannot be read");
        Vec::new()
    });
    let entries = std::fs::read_dir(models_dir).into_iter().flatten().flatten();
    let mut deeper: Vec<PathBuf> = entries.map(|entry| entry.path().join("package")).collect();
    deeper.sort();
    paths.extend(deeper);
    paths.push(models_dir.to_owned());
    paths.retain(|path| path.join(MANIFEST_FILE).is_file());
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits")
    }

    #[test]
    fn packages_are_found_in_the_folder_and_below_each_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(find(folder.path(), None).len(), 0);
        for (from, to) in [("", "digits"), ("package", "again")] {
            let link = folder.path().join(to);
            std::os::unix::fs::symlink(digits().join(from), link).expect("a new link");
        }
        let found = find(folder.path(), None);
        assert_eq!(found.len(), 1);
        assert_eq!(find(&digits().join("package"), None).len(), 1);
        let root = H256(found[0].1.root());
        assert_eq!(find(folder.path(), Some(&BTreeSet::from([root]))).len(), 1);
        assert_eq!(find(folder.path(), Some(&BTreeSet::from([H256::zero()]))).len(), 0);
    }
}
