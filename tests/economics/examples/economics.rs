//! Prints what every strategy earns: `cargo run --release --example economics`.

use assay_economics::{
    World,
    auditors::highest_bribe,
    others::watching_pays_from,
    run,
    workers::{Auditors, Strategy, live},
};

fn main() {
    println!("{}", run(&[10_000, 30_000, 50_000]));
    let world = World::with_base(30_000);
    println!(
        "Watching pays from {:.2} % made-up claims on.",
        watching_pays_from(&world) * 100.0
    );
    println!(
        "The highest bribe for a claim of price 1: {:.1} tokens.",
        highest_bribe(&world, 1.0)
    );
    println!("\n| made up | tokens a day | convictions a day |\n|---:|---:|---:|");
    for percent in [0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0] {
        let life = live(&world, Strategy::Rarely(percent / 100.0), Auditors::Strangers, 7);
        println!("| {percent} % | {:.1} | {:.3} |", life.profit, life.convictions);
    }
}
