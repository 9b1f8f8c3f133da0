//! A gateway's ledger, and what a crash leaves.

use super::*;

#[tokio::test]
async fn a_crash_releases_what_was_reserved_for_requests_and_keeps_what_is_for_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, open) = Ledger::open(folder.path()).unwrap();
    assert_eq!(open, []);
    let key = ledger
        .store()
        .add_key("a", Some(Amount(100)), KeyLimits::default(), 0)
        .unwrap()
        .0
        .id;
    let request = ledger.reserve(&key, Amount(30)).await.unwrap().unwrap();
    let job = ledger.reserve(&key, Amount(40)).await.unwrap().unwrap();
    ledger.attach(job, "7").await.unwrap();
    assert_ne!(request, job);
    // The process ends here: nothing is settled.
    drop(ledger);
    let (ledger, open) = reopen(folder.path()).await;
    assert_eq!(
        open,
        [OpenJob {
            reservation: job,
            job: "7".to_owned()
        }]
    );
    let state = &ledger.store().keys(today()).unwrap()[0];
    assert_eq!((state.record.balance, state.reserved), (Some(Amount(100)), Amount(40)));
    ledger.settle(job, Amount(15)).await.unwrap();
    let state = &ledger.store().keys(today()).unwrap()[0];
    assert_eq!((state.record.balance, state.reserved), (Some(Amount(85)), Amount(0)));
}

#[tokio::test]
async fn many_requests_at_once_never_reserve_more_than_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(folder.path()).unwrap();
    let key = ledger
        .store()
        .add_key("a", Some(Amount(100)), KeyLimits::default(), 0)
        .unwrap()
        .0
        .id;
    let all = futures::future::join_all((0..300).map(|_| ledger.reserve(&key, Amount(1)))).await;
    let granted: Vec<u64> = all.into_iter().filter_map(|reserved| reserved.unwrap().ok()).collect();
    assert_eq!(granted.len(), 100);
    futures::future::join_all(granted.iter().map(|id| ledger.settle(*id, Amount(1)))).await;
    let state = &ledger.store().keys(today()).unwrap()[0];
    assert_eq!((state.record.balance, state.reserved), (Some(Amount(0)), Amount(0)));
}

#[tokio::test]
async fn a_folder_has_one_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let first = Ledger::open(folder.path()).unwrap();
    assert!(matches!(Ledger::open(folder.path()), Err(LedgerError::InUse(_))));
    drop(first);
    reopen(folder.path()).await;
}

/// The writer's thread lets go of the file a moment after the last handle.
async fn reopen(folder: &Path) -> (Ledger, Vec<OpenJob>) {
    for _ in 0..2000 {
        match Ledger::open(folder) {
            Ok(opened) => return opened,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    panic!("the folder stays locked");
}
