//! Sessions, disputes and money as clients see them.

use crate::{
    backend::{DisputeInfo, GameInfo, Money, SessionInfo},
    money::Currency,
};
use serde_json::{Value, json};

pub fn session(currency: Currency, info: &SessionInfo) -> Value {
    json!({
        "id": info.id,
        "worker": info.worker,
        "model": info.model,
        "phase": info.phase,
        "budget": currency.show(info.budget),
        "redeemed": currency.show(info.redeemed),
        "locked": currency.show(info.locked),
        "until": info.until,
        "currency": currency.symbol,
    })
}

pub fn dispute(currency: Currency, info: &DisputeInfo) -> Value {
    json!({
        "id": info.id,
        "claim": info.claim,
        "model": info.model,
        "worker": info.worker,
        "client": info.client,
        "locked": currency.show(info.locked),
        "waits": info.waits,
        "late_until": info.late_until,
        "verdict": info.verdict,
        "games": info.games.iter().map(|info| game(currency, info)).collect::<Vec<_>>(),
        "currency": currency.symbol,
    })
}

fn game(currency: Currency, info: &GameInfo) -> Value {
    json!({
        "challenger": info.challenger,
        "bond": currency.show(info.bond),
        "turn": info.turn,
        "worker_left": info.worker_left,
        "challenger_left": info.challenger_left,
        "narrowing": info.narrowing,
    })
}

pub fn money(currency: Currency, money: &Money) -> Value {
    let hold = |hold: &crate::backend::HoldInfo| json!({ "reason": hold.reason, "until": hold.until, "amount": currency.show(hold.amount) });
    json!({
        "account": money.account,
        "free": currency.show(money.free),
        "holds": money.holds.iter().map(hold).collect::<Vec<_>>(),
        "currency": currency.symbol,
    })
}
