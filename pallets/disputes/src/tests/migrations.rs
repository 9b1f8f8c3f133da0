//! Records of version 1 become records of this version, in as many steps as it takes.

use super::{claimed_nothing, verdicts::model};
use crate::{
    migrations::{AddDefinition, DisputeV1, v1},
    mock::*,
};
use assay_types::{
    DEFINITION_NUMBER, H256, JobId, ModelVersion,
    dispute::{Committed, Dispute},
};
use codec::{Decode, Encode};
use polkadot_sdk::{
    frame_support::{
        assert_ok,
        migrations::{SteppedMigration, SteppedMigrationError},
        traits::{GetStorageVersion, StorageVersion},
        weights::{Weight, WeightMeter},
    },
    sp_runtime::BoundedVec,
};

/// Stores a dispute as version 1 did.
fn as_version_1(dispute: Dispute<u64, u64, u64>) -> DisputeV1<u64, u64, u64> {
    DisputeV1 {
        id: dispute.id,
        worker: dispute.worker,
        client: dispute.client,
        version: dispute.version,
        locked: dispute.locked,
        committed: dispute.committed,
        trace: dispute.trace,
        waits: dispute.waits,
        late_until: dispute.late_until,
        games: dispute.games,
    }
}

/// Puts the state back to what version 1 would have stored; the disputes as they are now.
fn back_to_version_1() -> Vec<(JobId, Dispute<u64, u64, u64>)> {
    let mut disputes: Vec<_> = crate::Disputes::<Test>::iter().collect();
    disputes.sort_by_key(|(claim, _)| *claim);
    for (claim, dispute) in disputes.clone() {
        v1::Disputes::<Test>::insert(claim, as_version_1(dispute));
    }
    StorageVersion::new(1).put::<Disputes>();
    disputes
}

/// Weight that one dispute needs.
fn weight_of_one() -> Weight {
    match AddDefinition::<Test>::step(None, &mut WeightMeter::with_limit(Weight::zero())) {
        Err(SteppedMigrationError::InsufficientWeight { required }) => required,
        other => panic!("{other:?}"),
    }
}

/// Migrates this many disputes in each block; the blocks that it took.
fn migrate(at_a_time: u64) -> u32 {
    let (limit, mut cursor) = (weight_of_one().saturating_mul(at_a_time), None);
    for block in 1.. {
        let mut meter = WeightMeter::with_limit(limit);
        cursor = AddDefinition::<Test>::step(cursor, &mut meter).expect("it has the weight");
        assert!(meter.consumed().all_lte(limit));
        if cursor.is_none() {
            return block;
        }
    }
    unreachable!("it comes to its end")
}

#[test]
fn version_1_stored_a_dispute_in_these_bytes() {
    let dispute = DisputeV1::<u64, u64, u64> {
        id: 1,
        worker: 2,
        client: 3,
        version: ModelVersion { model: 4, version: 5 },
        locked: 6,
        committed: Committed {
            model_root: H256::repeat_byte(7),
            input_digest: H256::repeat_byte(8),
            output_digest: H256::repeat_byte(9),
        },
        trace: None,
        waits: true,
        late_until: Some(10),
        games: BoundedVec::new(),
    };
    let mut bytes = Vec::new();
    for number in [1u64, 2, 3] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([4, 0, 0, 0, 5, 0, 0, 0]);
    bytes.extend(6u64.to_le_bytes());
    for byte in [7, 8, 9] {
        bytes.extend([byte; 32]);
    }
    // No trace; it waits; a last block for late answers; no games.
    bytes.extend([0, 1, 1]);
    bytes.extend(10u64.to_le_bytes());
    bytes.push(0);
    assert_eq!(dispute.encode(), bytes);
    assert_eq!(DisputeV1::decode(&mut bytes.as_slice()), Ok(dispute.clone()));
    let with_definition = dispute.with_definition(11).encode();
    assert_eq!(with_definition.len(), bytes.len() + 4);
}

#[test]
fn every_dispute_has_its_models_definition_afterwards_and_is_otherwise_the_same() {
    for at_a_time in [1, 2, 100] {
        TestExt::new().execute_with(|| {
            let jobs: Vec<JobId> = (0..5).map(|_| claimed(&model())).chain([claimed_nothing()]).collect();
            for job in &jobs {
                assert_ok!(challenge(CHALLENGER, *job));
            }
            assert_ok!(challenge(SECOND, jobs[0]));
            check();
            let before = back_to_version_1();
            assert_eq!(before.len(), 6);

            let blocks = migrate(at_a_time);
            assert_eq!(u64::from(blocks), 6 / at_a_time + 1);
            check();
            let mut after: Vec<_> = crate::Disputes::<Test>::iter().collect();
            after.sort_by_key(|(claim, _)| *claim);
            assert_eq!(after, before);
            assert!(after.iter().all(|(_, dispute)| dispute.definition == DEFINITION_NUMBER));
            assert_eq!(Disputes::on_chain_storage_version(), StorageVersion::new(2));
            // The games go on.
            run_down(jobs[0], CHALLENGER);
            assert_ok!(timeout(CHALLENGER, jobs[0]));
        });
    }
}

#[test]
fn a_chain_that_began_with_this_version_migrates_nothing() {
    TestExt::new().execute_with(|| {
        let job = claimed(&model());
        assert_ok!(challenge(CHALLENGER, job));
        StorageVersion::new(2).put::<Disputes>();
        let before = dispute(job);
        assert_eq!(AddDefinition::<Test>::step(None, &mut WeightMeter::new()), Ok(None));
        assert_eq!(dispute(job), before);
    });
}
