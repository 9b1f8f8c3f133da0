//! The packages in a folder that receipts are checked with.

use crate::models::{PackageAt, read_usable};
use assay_package::search;
use assay_types::H256;
use std::{collections::BTreeSet, path::Path};

/// The packages in this folder and below it that can be used, each once. With roots, those of other models are left
/// out.
pub(super) fn find(models_dir: &Path, roots: Option<&BTreeSet<H256>>) -> Vec<PackageAt> {
    let (mut known, mut wanted) = (BTreeSet::new(), Vec::new());
    // One at a time, since those that are not wanted may be large.
    for path in search::folders(models_dir) {
        let (found, damaged) = read_usable([path]);
        for error in &damaged {
            tracing::warn!(%error, "a package cannot be used to check receipts");
        }
        wanted.extend(found.into_iter().filter(|(_, package)| {
            let root = H256(package.root());
            roots.is_none_or(|roots| roots.contains(&root)) && known.insert(root)
        }));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

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
