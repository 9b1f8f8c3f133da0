//! Checks of the account: free money for fees, and a stake that carries the offers.

use super::Finding;
use crate::config::ServeConfig;
use assay_client::{
    chain::{AccountId, Balance, ChainError, Constants, StateView, WorkerInfo},
    units,
};
use assay_types::WorkerStatus;

/// Free money below which an operator should send more: fees of some thousand claims.
const LITTLE: Balance = units::UNIT;

/// The account must be able to pay fees and the stake that it lacks, and its worker must be one that gets jobs.
pub(super) async fn funds(
    state: &impl StateView,
    config: &ServeConfig,
    me: &AccountId,
) -> Result<Vec<Finding>, ChainError> {
    let (money, constants) = (state.account(me).await?, state.constants()?);
    let info = state.worker(me).await?;
    let bonded = info.as_ref().map_or(0, |info| info.stake);
    let missing = config.stake.unwrap_or(0).saturating_sub(bonded);
    Ok(vec![
        purse(me, money.free, missing, &constants),
        stake(info.as_ref(), config.stake, &constants),
    ])
}

/// Free money, for fees and for what the stake lacks.
pub(super) fn purse(me: &AccountId, free: Balance, missing: Balance, constants: &Constants) -> Finding {
    let what = "funds";
    let measured = format!("{} ASY free", units::format(free));
    let kept = constants.existential_deposit;
    if free <= kept {
        let advice = format!("send ASY to {me}: every claim pays a fee");
        return Finding::broken(what, measured, advice);
    }
    if free.saturating_sub(kept) <= missing {
        let measured = format!("{measured}, and the stake lacks {}", units::format(missing));
        return Finding::broken(what, measured, format!("send ASY to {me}, or lower `stake`"));
    }
    match free.saturating_sub(missing) < LITTLE {
        true => Finding::note(
            what,
            measured,
            format!("send more ASY to {me} soon: every claim pays a fee"),
        ),
        false => Finding::fine(what, measured),
    }
}

/// The worker's record: registered, not convicted, not leaving, with the minimum stake.
pub(super) fn stake(info: Option<&WorkerInfo>, wanted: Option<Balance>, constants: &Constants) -> Finding {
    let (what, least) = ("stake", constants.min_stake);
    let Some(info) = info else {
        return match wanted {
            Some(stake) if stake >= least => Finding::note(
                what,
                "the account is not a worker yet",
                format!("start `serve`, which registers it with {} ASY", units::format(stake)),
            ),
            _ => Finding::broken(
                what,
                "the account is not a worker",
                format!(
                    "set `stake` to {} ASY at least, and start `serve`",
                    units::format(least)
                ),
            ),
        };
    };
    let measured = format!(
        "{:?}, {} ASY, of which {} are locked",
        info.status,
        units::format(info.stake),
        units::format(info.locked)
    );
    if info.slashing > 0 {
        let measured = format!(
            "{measured}; convicted: {} ASY are to be slashed",
            units::format(info.slashing)
        );
        let advice = "find out which claim was wrong and why; no jobs come until the slash is applied or cancelled";
        return Finding::broken(what, measured, advice);
    }
    if info.status == WorkerStatus::Left {
        return Finding::broken(
            what,
            measured,
            "`assay-worker stake withdraw` gives the stake back; then register again",
        );
    }
    if info.stake < least {
        let advice = format!("a worker needs {} ASY: `assay-worker stake add`", units::format(least));
        return Finding::broken(what, measured, advice);
    }
    match info.status {
        WorkerStatus::Active | WorkerStatus::Left => Finding::fine(what, measured),
        WorkerStatus::Paused | WorkerStatus::Draining => Finding::note(
            what,
            measured,
            "no jobs come in this state: `serve` resumes the worker when it starts",
        ),
    }
}
