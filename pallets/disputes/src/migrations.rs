//! Migrations of what this pallet stores, each from one storage version to the next. A migration stays here until every
//! chain has made it.

use crate::{BalanceOf, Config, DisputeOf, Disputes, Pallet};
use assay_types::{
    ClaimId, Claims, ModelVersion,
    dispute::{ALL_GAMES, Committed, Dispute, DisputeId, Game, TraceHead},
    weighing::{CALL_REF_TIME, key_proof, version_proof},
};
use codec::{Decode, Encode};
use core::marker::PhantomData;
use polkadot_sdk::{
    frame_support::{
        migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
        traits::{Get, GetStorageVersion, StorageVersion},
        weights::{Weight, WeightMeter},
    },
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_core::ConstU32,
    sp_runtime::BoundedVec,
};

/// The definition of all models of chains whose disputes did not name one.
const FIRST_DEFINITION: u32 = 1;
/// The storage version that [`AddDefinition`] leads to.
const WITH_DEFINITION: u16 = 2;

/// A dispute of this runtime, as version 1 stored it.
pub type DisputeV1Of<T> = DisputeV1<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// A dispute as version 1 stored it: without the number of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DisputeV1<AccountId, Balance, BlockNumber> {
    /// As in [`Dispute`], and so are all others.
    pub id: DisputeId,
    /// The worker.
    pub worker: AccountId,
    /// The client.
    pub client: AccountId,
    /// The model version.
    pub version: ModelVersion,
    /// The worker's stake that secures the claim.
    pub locked: Balance,
    /// The digests that the claim committed to.
    pub committed: Committed,
    /// Head of the trace.
    pub trace: Option<TraceHead>,
    /// Whether it waits for older ones.
    pub waits: bool,
    /// The last block for a late answer.
    pub late_until: Option<BlockNumber>,
    /// The games.
    pub games: BoundedVec<Game<AccountId, Balance, BlockNumber>, ConstU32<ALL_GAMES>>,
}

impl<AccountId, Balance, BlockNumber> DisputeV1<AccountId, Balance, BlockNumber> {
    /// The same dispute over a model of this definition.
    pub fn with_definition(self, definition: u32) -> Dispute<AccountId, Balance, BlockNumber> {
        Dispute {
            id: self.id,
            worker: self.worker,
            client: self.client,
            version: self.version,
            definition,
            locked: self.locked,
            committed: self.committed,
            trace: self.trace,
            waits: self.waits,
            late_until: self.late_until,
            games: self.games,
        }
    }
}

/// Storage of version 1.
#[allow(missing_docs, reason = "the macro writes a prefix without documentation")]
pub mod v1 {
    use super::DisputeV1Of;
    use crate::{Config, Pallet};
    use assay_types::ClaimId;
    use polkadot_sdk::frame_support::{Twox64Concat, storage_alias};

    /// The disputes, by the claim that they are about.
    #[storage_alias]
    pub type Disputes<T: Config> = StorageMap<Pallet<T>, Twox64Concat, ClaimId, DisputeV1Of<T>>;
}

/// Writes into each dispute the definition of its model: from version 1 to version 2, in as many blocks as it takes.
pub struct AddDefinition<T>(PhantomData<T>);

impl<T: Config> AddDefinition<T> {
    /// Weight of one dispute: it is read and written, and so is its model version.
    fn weight_of_one() -> Weight {
        let proof = key_proof::<ClaimId, DisputeOf<T>>().saturating_add(version_proof());
        Weight::from_parts(CALL_REF_TIME, proof).saturating_add(T::DbWeight::get().reads_writes(3, 2))
    }

    /// Migrates the dispute after this one, or the first one; none is left at the end.
    fn migrate_next(after: Option<ClaimId>) -> Option<ClaimId> {
        let mut left = match after {
            None => v1::Disputes::<T>::iter(),
            Some(claim) => v1::Disputes::<T>::iter_from(v1::Disputes::<T>::hashed_key_for(claim)),
        };
        let (claim, dispute) = left.next()?;
        let definition = T::Claims::parts(dispute.version).map_or(FIRST_DEFINITION, |parts| parts.definition);
        Disputes::<T>::insert(claim, dispute.with_definition(definition));
        Some(claim)
    }
}

impl<T: Config> SteppedMigration for AddDefinition<T> {
    /// The claim of the latest dispute that is migrated.
    type Cursor = ClaimId;
    type Identifier = MigrationId<15>;

    fn id() -> Self::Identifier {
        MigrationId {
            pallet_id: *b"pallet-disputes",
            version_from: 1,
            version_to: 2,
        }
    }

    fn step(mut cursor: Option<ClaimId>, meter: &mut WeightMeter) -> Result<Option<ClaimId>, SteppedMigrationError> {
        // A chain that began with this version has nothing to migrate.
        if Pallet::<T>::on_chain_storage_version() >= WITH_DEFINITION {
            return Ok(None);
        }
        let required = Self::weight_of_one();
        if !meter.can_consume(required) {
            return Err(SteppedMigrationError::InsufficientWeight { required });
        }
        while meter.try_consume(required).is_ok() {
            let Some(migrated) = Self::migrate_next(cursor) else {
                StorageVersion::new(WITH_DEFINITION).put::<Pallet<T>>();
                return Ok(None);
            };
            cursor = Some(migrated);
        }
        Ok(cursor)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, polkadot_sdk::sp_runtime::TryRuntimeError> {
        let claims: alloc::vec::Vec<ClaimId> = v1::Disputes::<T>::iter_keys().collect();
        Ok(claims.encode())
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(before: alloc::vec::Vec<u8>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
        let claims = alloc::vec::Vec::<ClaimId>::decode(&mut before.as_slice())
            .map_err(|_| "what was noted before the migration does not decode")?;
        polkadot_sdk::frame_support::ensure!(
            claims.iter().all(|claim| Disputes::<T>::get(claim).is_some()),
            "a dispute was lost"
        );
        Ok(())
    }
}
