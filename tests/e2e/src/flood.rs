//! Somebody who fills blocks: remarks as large as they may be, one after the other, as long as the money lasts.

use crate::{Network, parameters::signed, rpc::Rpc};
use anyhow::Context;
use assay_client::chain::AccountId;
use codec::Encode;
pub use polkadot_sdk::sp_keyring::Sr25519Keyring;
use polkadot_sdk::{frame_system, sp_core::H256};
use std::time::Duration;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Bytes of a remark. Five of them fill what a block has for ordinary transactions.
const REMARK_BYTES: usize = 700 * 1024;
/// Remarks that wait for a block at a time, more than two blocks take.
const WAITING: u32 = 12;
/// Pause while so many wait, or the node takes no more.
const PAUSE: Duration = Duration::from_millis(200);

/// A flood of remarks. It ends when this is dropped.
#[derive(Debug)]
pub struct Flood {
    stop: watch::Sender<bool>,
    task: JoinHandle<anyhow::Result<u32>>,
}

impl Flood {
    /// Lets this development account fill blocks from now on.
    pub fn start(network: &Network, account: Sr25519Keyring) -> anyhow::Result<Self> {
        let rpc = Rpc::new(&network.url())?;
        let id = network.id(&format!("{account:?}"))?;
        let genesis = H256(network.client().genesis().0);
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            tokio::select! {
                sent = fill(&rpc, account, &id, genesis) => sent,
                _ = stopped.changed() => Ok(rpc.transactions_of(&id).await?),
            }
        });
        Ok(Self { stop, task })
    }

    /// Ends it, and gives the number of transactions that the account has sent in its life.
    pub async fn end(mut self) -> anyhow::Result<u32> {
        self.stop.send_replace(true);
        (&mut self.task).await?
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends remarks until the account cannot pay for another one.
async fn fill(rpc: &Rpc, account: Sr25519Keyring, id: &AccountId, genesis: H256) -> anyhow::Result<u32> {
    let mut nonce = rpc.transactions_of(id).await?;
    loop {
        let included = rpc.included_of(id).await?;
        if nonce.saturating_sub(included) >= WAITING {
            sleep(PAUSE).await;
            continue;
        }
        let remark = vec![u8::try_from(nonce % 251)?; REMARK_BYTES];
        let call = frame_system::Call::remark { remark };
        let transaction = signed(call.into(), account, nonce, genesis).encode();
        match timeout(Duration::from_secs(60), rpc.submit(&transaction))
            .await
            .context("the node answers")?
        {
            Ok(()) => nonce += 1,
            Err(error) if error.to_string().contains("pay") => return Ok(nonce),
            Err(_) => {
                sleep(PAUSE).await;
                nonce = rpc.transactions_of(id).await?;
            }
        }
    }
}
