//! The network that comes with the source is the one that is promised, and can be started anywhere.

use assay_zombienet::{Definition, Network, definition::Role};

#[test]
fn there_are_two_validators_two_collators_and_a_full_node() {
    let nodes = Definition::built_in().unwrap().nodes().unwrap();
    let count = |role| nodes.iter().filter(|node| node.role == role).count();
    let counts = [Role::Validator, Role::Collator, Role::FullNode].map(count);
    assert_eq!(counts, [2, 2, 1]);
}

#[tokio::test]
async fn a_missing_program_is_named_with_what_builds_it() {
    let nothing = tempfile::tempdir().unwrap();
    let started = Network::start(&Definition::built_in().unwrap(), nothing.path(), None, |_| {}).await;
    let error = started.err().unwrap().to_string();
    assert!(
        error.contains("assay-relay") && error.contains("make zombienet"),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_with_another_chain_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("database"), "").unwrap();
    let definition = Definition::built_in().unwrap();
    let started = Network::start(&definition, folder.path(), Some(folder.path()), |_| {}).await;
    let error = started.err().unwrap().to_string();
    assert!(error.contains("not empty"), "{error}");
}
