//! Graphs: their encoding and the root of their nodes, whether they pass their check and why not, the work of one
//! execution and the size of its trace, and the values of symbols.

mod bad;
mod batches;
mod bind;
pub mod build;
mod check;
mod dimensions;
mod encode;
mod misfits;
pub mod reason;
mod sizes;

use crate::{
    family::{Family, Numbered},
    json::Json,
    random::Random,
};

pub fn family() -> Family {
    let mut cases = Cases {
        family: Family::new("graphs"),
        names: Numbered::default(),
        random: Random(0x6772_6170),
    };
    encode::add(&mut cases);
    check::add(&mut cases);
    bad::add(&mut cases);
    misfits::add(&mut cases);
    sizes::add(&mut cases);
    bind::add(&mut cases);
    cases.family
}

struct Cases {
    family: Family,
    names: Numbered,
    random: Random,
}

impl Cases {
    fn add(&mut self, kind: &'static str, sort: &str, fields: Vec<(&'static str, Json)>) {
        let name = self.names.name(sort);
        self.family.case(kind, name, fields);
    }
}
