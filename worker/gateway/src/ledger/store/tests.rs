//! Keys and money, on a file of their own in each test.

use super::*;

const DAY: u64 = SECONDS_OF_DAY;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn prepaid(store: &Store, balance: u128) -> String {
    store
        .add_key("a", Some(Amount(balance)), KeyLimits::default(), 0)
        .unwrap()
        .0
        .id
}

fn reserve(store: &Store, key: &str, amount: u128, now: u64) -> Result<u64, Refusal> {
    store.write(|tables| tables.reserve(key, Amount(amount), now)).unwrap()
}

fn settle(store: &Store, id: u64, price: u128) -> Amount {
    store.write(|tables| tables.settle(id, Amount(price))).unwrap()
}

fn state(store: &Store, today: Day) -> (Option<u128>, u128, u128) {
    let states = store.keys(today).unwrap();
    let [state] = states.as_slice() else {
        panic!("{states:?}")
    };
    let balance = state.record.balance.map(|balance| balance.0);
    (balance, state.reserved.0, state.spent_today.0)
}

#[test]
fn the_maximum_is_reserved_and_the_actual_price_is_paid() {
    let (_folder, store) = store();
    let key = prepaid(&store, 100);
    let id = reserve(&store, &key, 60, 0).unwrap();
    assert_eq!(state(&store, 0), (Some(100), 60, 0));
    let refused = Refusal::Balance {
        needed: Amount(41),
        available: Amount(40),
    };
    assert_eq!(reserve(&store, &key, 41, 0), Err(refused));
    assert_eq!(settle(&store, id, 25), Amount(0));
    assert_eq!(state(&store, 0), (Some(75), 0, 25));
    assert!(reserve(&store, &key, 75, 0).is_ok());
}

#[test]
fn a_reservation_is_settled_once() {
    let (_folder, store) = store();
    let key = prepaid(&store, 100);
    let id = reserve(&store, &key, 60, 0).unwrap();
    settle(&store, id, 25);
    settle(&store, id, 25);
    assert_eq!(state(&store, 0), (Some(75), 0, 25));
}

#[test]
fn a_price_above_the_reservation_is_the_operators_loss() {
    let (_folder, store) = store();
    let key = prepaid(&store, 100);
    let id = reserve(&store, &key, 60, 0).unwrap();
    assert_eq!(settle(&store, id, 70), Amount(10));
    assert_eq!(state(&store, 0), (Some(40), 0, 60));
}

#[test]
fn a_budget_counts_what_is_spent_and_reserved_and_begins_anew_with_the_day() {
    let (_folder, store) = store();
    let limits = KeyLimits {
        daily_budget: Some(Amount(100)),
        ..KeyLimits::default()
    };
    let key = store.add_key("a", None, limits, 0).unwrap().0.id;
    let id = reserve(&store, &key, 60, 10).unwrap();
    let refused = |available: u128, resets_in: u64| Refusal::Budget {
        needed: Amount(50),
        available: Amount(available),
        resets_in: resets_in as u32,
    };
    assert_eq!(reserve(&store, &key, 50, 10), Err(refused(40, DAY - 10)));
    settle(&store, id, 55);
    assert_eq!(reserve(&store, &key, 50, 20), Err(refused(45, DAY - 20)));
    assert!(reserve(&store, &key, 50, DAY).is_ok());
    assert_eq!(state(&store, 0), (None, 50, 55));
    assert_eq!(state(&store, 1), (None, 50, 0));
}

#[test]
fn a_revoked_key_reserves_nothing_and_still_settles() {
    let (_folder, store) = store();
    let key = prepaid(&store, 100);
    let id = reserve(&store, &key, 60, 0).unwrap();
    assert_eq!(store.revoke(&key, 7).unwrap().revoked, Some(7));
    assert_eq!(store.revoke(&key, 8).unwrap().revoked, Some(7));
    assert_eq!(reserve(&store, &key, 1, 0), Err(Refusal::Unknown));
    assert_eq!(reserve(&store, "nobody", 1, 0), Err(Refusal::Unknown));
    settle(&store, id, 10);
    assert_eq!(state(&store, 0), (Some(90), 0, 10));
}

#[test]
fn only_the_holder_of_the_secret_is_the_key() {
    let (_folder, store) = store();
    let (record, key) = store.add_key("a", None, KeyLimits::default(), 0).unwrap();
    assert_eq!(store.authenticate(&key).unwrap(), Some(record.clone()));
    let forged = format!("assay-{}-{}", record.id, "00".repeat(32));
    assert_eq!(store.authenticate(&ApiKey::parse(&forged).unwrap()).unwrap(), None);
    assert_eq!(store.authenticate(&ApiKey::generate().unwrap()).unwrap(), None);
    store.revoke(&record.id, 1).unwrap();
    assert_eq!(store.authenticate(&key).unwrap(), None);
}

#[test]
fn the_file_holds_no_secret() {
    let (folder, store) = store();
    let (_, key) = store.add_key("a", None, KeyLimits::default(), 0).unwrap();
    let text = key.reveal();
    let secret = text.rsplit('-').next().unwrap();
    let raw = hex::decode(secret).unwrap();
    let file = fs::read(folder.path().join("ledger.redb")).unwrap();
    assert!(
        !file
            .windows(raw.len())
            .any(|window| window == raw || window == &secret.as_bytes()[..raw.len()])
    );
}

#[test]
fn only_a_prepaid_key_is_topped_up() {
    let (_folder, store) = store();
    let key = prepaid(&store, 5);
    assert_eq!(store.top_up(&key, Amount(7)).unwrap(), Amount(12));
    let free = store.add_key("b", None, KeyLimits::default(), 0).unwrap().0.id;
    assert!(matches!(
        store.top_up(&free, Amount(7)),
        Err(LedgerError::NotPrepaid(_))
    ));
    assert!(matches!(store.top_up("nobody", Amount(7)), Err(LedgerError::NoKey(_))));
    assert!(matches!(store.revoke("nobody", 0), Err(LedgerError::NoKey(_))));
}

#[test]
fn two_handles_of_the_file_see_each_others_keys() {
    let (folder, store) = store();
    let other = Store::open(folder.path()).unwrap();
    let (_, key) = other.add_key("a", Some(Amount(10)), KeyLimits::default(), 0).unwrap();
    assert!(store.authenticate(&key).unwrap().is_some());
    assert!(reserve(&store, key.id(), 10, 0).is_ok());
    assert_eq!(state(&other, 0), (Some(10), 10, 0));
    other.revoke(key.id(), 1).unwrap();
    assert!(store.authenticate(&key).unwrap().is_none());
}

#[test]
fn old_days_are_forgotten() {
    let (_folder, store) = store();
    let key = prepaid(&store, 100);
    let id = reserve(&store, &key, 10, 0).unwrap();
    settle(&store, id, 10);
    store.write(|tables| tables.prune(KEPT_DAYS)).unwrap();
    assert_eq!(state(&store, 0).2, 10);
    store.write(|tables| tables.prune(KEPT_DAYS + 1)).unwrap();
    assert_eq!(state(&store, 0), (Some(90), 0, 0));
}

#[test]
fn money_is_conserved_by_any_course_of_requests() {
    let (_folder, store) = store();
    let key = prepaid(&store, 1_000);
    let (mut open, mut paid, mut random) = (Vec::<(u64, u128)>::new(), 0u128, 12_345u64);
    for _ in 0..200 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let amount = u128::from(random >> 33) % 90;
        if random & 1 == 0 || open.is_empty() {
            if let Ok(id) = reserve(&store, &key, amount, 0) {
                open.push((id, amount));
            }
        } else {
            let (id, reserved) = open.swap_remove((random >> 40) as usize % open.len());
            settle(&store, id, amount);
            paid += amount.min(reserved);
        }
        let held: u128 = open.iter().map(|(_, amount)| amount).sum();
        assert_eq!(state(&store, 0), (Some(1_000 - paid), held, paid));
        assert!(paid + held <= 1_000);
    }
}
