//! The runtime is replaced by its next version while a job and a dispute are under way.

use crate::{figures::Figures, jobs::all_are_paid};
use anyhow::Context;
use assay_client::chain::BlockNumber;
use assay_e2e::{
    Network as Assay,
    jobs::{Digits, terms},
};
use sp_maybe_compressed_blob::compress_strongly;
use std::{fs, path::Path, time::Instant};

/// The next version's code, beside the programs; `scripts/zombienet` builds it.
const CODE: &str = "assay-next-runtime.wasm";
/// Maximum bytes of code that unpacking may give.
const CODE_LIMIT: usize = 1 << 25;
/// Blocks in which the relay chain has checked the code and let it be applied.
const UPGRADE_BLOCKS: BlockNumber = 600;
/// Jobs under way at the upgrade, and bought after it.
const JOBS: usize = 4;

/// Jobs that were submitted before are paid after it, by a worker that runs through it; so are new ones.
pub async fn the_runtime_is_replaced(
    assay: &mut Assay,
    programs: &Path,
    digits: &Digits,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let code = fs::read(programs.join(CODE)).with_context(|| format!("{CODE}: run `make test-zombienet`"))?;
    let code = compress_strongly(&code, CODE_LIMIT).context("the code is compressed")?;
    let requests = || {
        (0..JOBS)
            .map(|index| Ok(digits.job(index, &terms())?.request))
            .collect::<anyhow::Result<_>>()
    };
    let before = assay.submit_all(&assay.account("Bob")?, requests()?).await?;
    let began = Instant::now();
    assay.upgrade(code, UPGRADE_BLOCKS).await?;
    figures.seconds(
        "from an upgrade's authorisation to its code being in force",
        began.elapsed(),
    );
    all_are_paid(assay, &before).await?;
    assay.reconnect().await?;
    let after = assay.submit_all(&assay.account("Bob")?, requests()?).await?;
    all_are_paid(assay, &after).await?;
    Ok(())
}
