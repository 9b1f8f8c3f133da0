//! The superuser of a development chain: it sets parameters and puts new code in force. Stories cannot wait for clocks
//! as long as governance may make them, so parameters are written past their ranges.

use crate::Network;
use anyhow::{bail, ensure};
use assay_client::chain::BlockNumber;
use assay_runtime::{
    Runtime, RuntimeCall, UncheckedExtrinsic, VERSION,
    parameters::{
        RuntimeParameters,
        dynamic_params::{
            audits::{AuditFee, AuditWeight, Levy, SecondShare},
            disputes::{ChallengerClockBlocks, ClockBlocks, LateAnswerBlocks, LeastTurnBlocks, ReopenBlocks},
            workers::SlashDelay,
        },
    },
    signing,
};
use codec::Encode;
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{storage::storage_prefix, traits::dynamic_params::AggregatedKeyValue},
    frame_system, pallet_parameters, pallet_sudo,
    sp_core::H256,
    sp_io::hashing::blake2_256,
    sp_keyring::Sr25519Keyring::{self, Alice},
    sp_runtime::Perbill,
};

/// Blocks in which a transaction must be included.
const INCLUSION_BLOCKS: BlockNumber = 20;

impl Network {
    /// Sets parameters, and waits until they are in force: numbers of blocks, such as `ClockBlocks`, and the numbers
    /// and parts in percent by which audits are drawn.
    pub async fn set_parameters(&self, parameters: &[(&str, u32)]) -> anyhow::Result<()> {
        let items = parameters
            .iter()
            .map(|(name, value)| Ok(item(parameter(name, *value)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let set = frame_system::Call::<Runtime>::set_storage { items: items.clone() };
        self.as_superuser(set.into()).await?;
        self.until("the parameters are set", INCLUSION_BLOCKS, async |_| {
            for (key, value) in &items {
                if self.rpc().value(key).await?.as_ref() != Some(value) {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await?;
        ensure!(!items.is_empty(), "nothing was set");
        Ok(())
    }

    /// Puts the code of the next version in force, in two steps: the superuser authorises its hash, and anybody hands
    /// it in. Returns once a finalized block has run it; a relay chain decides when that is. Nothing here signs
    /// transactions of the next version, so this comes last.
    pub async fn upgrade(&self, code: Vec<u8>, blocks: BlockNumber) -> anyhow::Result<()> {
        let code_hash = H256(blake2_256(&code));
        self.as_superuser(frame_system::Call::<Runtime>::authorize_upgrade { code_hash }.into())
            .await?;
        let key = storage_prefix(b"System", b"AuthorizedUpgrade");
        self.until("the upgrade is authorised", INCLUSION_BLOCKS, async |_| {
            Ok(self.rpc().value(&key).await?.map(drop))
        })
        .await?;
        let apply = frame_system::Call::<Runtime>::apply_authorized_upgrade { code };
        self.rpc()
            .submit(&UncheckedExtrinsic::new_bare(apply.into()).encode())
            .await?;
        self.until("the new code is in force", blocks, async |_| {
            Ok((self.rpc().version().await? == VERSION.spec_version + 1).then_some(()))
        })
        .await
    }

    async fn as_superuser(&self, call: RuntimeCall) -> anyhow::Result<()> {
        let call = pallet_sudo::Call::<Runtime>::sudo { call: Box::new(call) };
        let nonce = self.rpc().transactions_of(&self.id("Alice")?).await?;
        let genesis = H256(self.client().genesis().0);
        self.rpc()
            .submit(&signed(call.into(), Alice, nonce, genesis).encode())
            .await
    }
}

/// The parameter of this name with a value.
fn parameter(name: &str, value: u32) -> anyhow::Result<RuntimeParameters> {
    let percent = Perbill::from_percent;
    Ok(match name {
        "AuditFee" => RuntimeParameters::Audits((AuditFee, value).into()),
        "AuditWeight" => RuntimeParameters::Audits((AuditWeight, value).into()),
        "Levy" => RuntimeParameters::Audits((Levy, percent(value)).into()),
        "SecondShare" => RuntimeParameters::Audits((SecondShare, percent(value)).into()),
        "ClockBlocks" => RuntimeParameters::Disputes((ClockBlocks, value).into()),
        "ChallengerClockBlocks" => RuntimeParameters::Disputes((ChallengerClockBlocks, value).into()),
        "LeastTurnBlocks" => RuntimeParameters::Disputes((LeastTurnBlocks, value).into()),
        "LateAnswerBlocks" => RuntimeParameters::Disputes((LateAnswerBlocks, value).into()),
        "ReopenBlocks" => RuntimeParameters::Disputes((ReopenBlocks, value).into()),
        "SlashDelay" => RuntimeParameters::Workers((SlashDelay, value).into()),
        _ => bail!("no story sets the parameter {name}"),
    })
}

/// Key and value under which a parameter is stored.
fn item(parameter: RuntimeParameters) -> (Vec<u8>, Vec<u8>) {
    let (key, value) = parameter.into_parts();
    let value = value.map(|value| value.encode()).unwrap_or_default();
    (pallet_parameters::Parameters::<Runtime>::hashed_key_for(&key), value)
}

/// A transaction of this account.
pub(crate) fn signed(call: RuntimeCall, signer: Sr25519Keyring, nonce: u32, genesis: H256) -> UncheckedExtrinsic {
    signing::signed(signer, call, (nonce, 0, genesis), CheckMetadataHash::new(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::Call;
    use assay_demo::superuser;

    #[test]
    fn the_demonstrations_set_the_parameter_of_the_runtime() {
        let items = vec![item(parameter("SlashDelay", 8).expect("is known"))];
        let set: RuntimeCall = frame_system::Call::<Runtime>::set_storage { items }.into();
        let expected = Call::Other {
            pallet: "Sudo",
            name: "sudo",
            arguments: set.encode(),
        };
        assert_eq!(superuser::set_slash_delay(8), expected);
    }
}
