//! Where money went, to the unit.

use crate::Network;
use anyhow::ensure;
use assay_client::{
    chain::{AccountId, Balance, BlockNumber, Event, FeeEvent},
    units,
};
use std::collections::BTreeMap;

/// Balances of some accounts after a block, held money counted.
#[derive(Debug)]
pub struct Books {
    opened_at: BlockNumber,
    opening: Vec<(&'static str, AccountId, Balance)>,
}

impl Books {
    /// Notes what these development accounts have.
    pub async fn open(network: &Network, names: &[&'static str]) -> anyhow::Result<Self> {
        let snapshot = network.client().finalized().await?;
        let mut opening = Vec::new();
        for name in names {
            let account = network.id(name)?;
            let total = snapshot.account(&account).await?.total();
            opening.push((*name, account, total));
        }
        Ok(Self {
            opened_at: snapshot.number(),
            opening,
        })
    }

    /// Fails unless each account has since then gained or lost exactly what this says (nothing if it does not name the
    /// account), besides the fees of its transactions.
    pub async fn close(self, network: &Network, gains: &[(&str, i128)]) -> anyhow::Result<()> {
        let snapshot = network.client().finalized().await?;
        let fees = fees(network, self.opened_at + 1, snapshot.number()).await?;
        let mut differences = Vec::new();
        for (name, account, opening) in &self.opening {
            let closing = snapshot.account(account).await?.total();
            let fees = fees.get(account).copied().unwrap_or_default();
            let gained = closing as i128 - *opening as i128 + fees as i128;
            let expected: i128 = gains.iter().filter(|(of, _)| of == name).map(|(_, gain)| gain).sum();
            if gained != expected {
                differences.push(format!("{name} gained {} and not {}", signed(gained), signed(expected)));
            }
        }
        ensure!(
            differences.is_empty(),
            "money went elsewhere: {}",
            differences.join(", ")
        );
        Ok(())
    }
}

/// Fees that each account paid from one block to another, both counted.
async fn fees(
    network: &Network,
    first: BlockNumber,
    last: BlockNumber,
) -> anyhow::Result<BTreeMap<AccountId, Balance>> {
    let mut fees = BTreeMap::new();
    for block in first..=last {
        for event in network.client().at(block).await?.events().await? {
            if let Event::Fee(FeeEvent::TransactionFeePaid { who, actual_fee, .. }) = event {
                *fees.entry(who).or_default() += actual_fee;
            }
        }
    }
    Ok(fees)
}

fn signed(amount: i128) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{} ASY", units::format(amount.unsigned_abs()))
}
