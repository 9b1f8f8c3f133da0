//! Promises of the rules about strategies, by simulation.

use assay_economics::{Kind, Row, World, others::watching_pays_from, run};

const BASES: [u32; 3] = [10_000, 30_000, 50_000];

#[test]
fn every_dishonest_strategy_earns_less_than_the_honest_one_of_its_role() {
    let table = run(&BASES);
    for row in table.rows.iter().filter(|row| row.kind == Kind::Dishonest) {
        let honest = table.honest(row).expect("every role has an honest row");
        for (dishonest, honest) in row.daily.iter().zip(&honest.daily) {
            assert!(dishonest < honest, "{}, {}:\n{table}", row.role, row.strategy);
        }
    }
}

#[test]
fn honest_work_auditing_watching_and_buying_each_earn() {
    let table = run(&BASES);
    let honest: Vec<&Row> = table.rows.iter().filter(|row| row.kind == Kind::Honest).collect();
    assert_eq!(honest.len(), 5, "worker, coalition, auditor, watcher and client");
    for row in honest {
        assert!(row.daily.iter().all(|daily| *daily > 0.0), "{}:\n{table}", row.role);
    }
}

#[test]
fn those_who_bring_no_work_lose_money() {
    let table = run(&BASES);
    let harmful = |row: &&Row| match row.role {
        "auditor" => row.strategy.starts_with("sleeps") || row.strategy.starts_with("guesses"),
        "watcher" | "client" => row.kind == Kind::Dishonest,
        // Whoever has worked for a record first has earned something by that.
        _ => row.strategy.starts_with("makes up everything") && !row.strategy.contains("after"),
    };
    let rows: Vec<&Row> = table.rows.iter().filter(harmful).collect();
    assert_eq!(rows.len(), 9);
    for row in rows {
        assert!(
            row.daily.iter().all(|daily| *daily < 0.0),
            "{}, {}:\n{table}",
            row.role,
            row.strategy
        );
    }
}

#[test]
fn watching_pays_where_one_claim_in_a_hundred_is_made_up() {
    assert!(watching_pays_from(&World::with_base(30_000)) < 0.01);
}

#[test]
fn a_table_can_be_made_again() {
    let daily = |table: assay_economics::Table| table.rows.into_iter().flat_map(|row| row.daily).collect::<Vec<_>>();
    assert_eq!(daily(run(&[30_000])), daily(run(&[30_000])));
}
