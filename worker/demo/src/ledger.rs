//! Payments and earnings: balances before and after, against what the events say.

use assay_client::{
    chain::{AccountId, Balance, ChainError, Event, FeeEvent, MarketEvent, Snapshot, WorkersEvent},
    units,
};

/// One party's money.
#[derive(Clone, Debug, Default)]
struct Entry {
    name: &'static str,
    before: Balance,
    after: Balance,
    earned: Balance,
    awarded: Balance,
    slashed: Balance,
    paid: Balance,
    fees: Balance,
}

/// The money of everyone who takes part, in the order of the parties.
#[derive(Debug)]
pub(super) struct Ledger(Vec<(AccountId, Entry)>);

impl Ledger {
    /// Notes what everyone has, held or not.
    pub(super) async fn open(snapshot: &Snapshot, parties: &[(&'static str, AccountId)]) -> Result<Self, ChainError> {
        let mut entries = Vec::with_capacity(parties.len());
        for (name, account) in parties {
            let before = snapshot.account(account).await?.total();
            entries.push((
                account.clone(),
                Entry {
                    name,
                    before,
                    ..Default::default()
                },
            ));
        }
        Ok(Self(entries))
    }

    /// Books an event of a finalized block.
    pub(super) fn book(&mut self, event: &Event) {
        match event {
            // The tip is part of the fee.
            Event::Fee(FeeEvent::TransactionFeePaid { who, actual_fee, .. }) => {
                self.add(who, |entry| entry.fees += actual_fee);
            }
            Event::Market(MarketEvent::JobClosed {
                client,
                worker: Some(worker),
                paid,
                ..
            }) => {
                self.add(client, |entry| entry.paid += paid);
                self.add(worker, |entry| entry.earned += paid);
            }
            Event::Workers(WorkersEvent::SlashApplied {
                worker, burned, awards, ..
            }) => {
                for (account, amount) in awards {
                    self.add(account, |entry| entry.awarded += amount);
                }
                let slashed = burned + awards.iter().map(|(_, amount)| amount).sum::<Balance>();
                self.add(worker, |entry| entry.slashed += slashed);
            }
            _ => {}
        }
    }

    fn add(&mut self, account: &AccountId, change: impl FnOnce(&mut Entry)) {
        if let Some((_, entry)) = self.0.iter_mut().find(|(of, _)| of == account) {
            change(entry);
        }
    }

    /// Notes what everyone has at the end, and says where that is not what the events make of it.
    pub(super) async fn close(&mut self, snapshot: &Snapshot) -> Result<Vec<String>, ChainError> {
        let mut faults = Vec::new();
        for (account, entry) in &mut self.0 {
            entry.after = snapshot.account(account).await?.total();
            let expected =
                (entry.before + entry.earned + entry.awarded).checked_sub(entry.paid + entry.fees + entry.slashed);
            if expected != Some(entry.after) {
                faults.push(format!(
                    "{} has {} ASY at the end and should have {}",
                    entry.name,
                    units::format(entry.after),
                    expected.map_or("less than nothing".into(), units::format)
                ));
            }
        }
        let paid: Balance = self.0.iter().map(|(_, entry)| entry.paid).sum();
        let earned: Balance = self.0.iter().map(|(_, entry)| entry.earned).sum();
        if paid != earned {
            faults.push(format!(
                "{} ASY were paid and {} earned",
                units::format(paid),
                units::format(earned)
            ));
        }
        Ok(faults)
    }

    /// Prints a line for each party.
    pub(super) fn print(&self) {
        println!(
            "  {:<10}{:>10}{:>10}{:>10}{:>10}{:>12}{:>18}{:>18}",
            "", "paid", "earned", "slashed", "awarded", "fees", "balance before", "after"
        );
        for (_, entry) in &self.0 {
            let fees = format!(
                "{}.{:06}",
                entry.fees / units::UNIT,
                entry.fees % units::UNIT / 1_000_000
            );
            println!(
                "  {:<10}{:>10}{:>10}{:>10}{:>10}{fees:>12}{:>18}{:>18}",
                entry.name,
                units::short(entry.paid),
                units::short(entry.earned),
                units::short(entry.slashed),
                units::short(entry.awarded),
                units::short(entry.before),
                units::short(entry.after)
            );
        }
    }
}
