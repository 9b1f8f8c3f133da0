//! On what terms a model is served.

use super::{ConfigError, FileModel, FileSession};
use assay_client::{chain::Balance, units};
use assay_daemon::config::{BidPolicy, BlockPolicy, ModelPolicy, OfferPolicy, SessionPolicy};

/// Jobs that an offer takes at a time, where the configuration does not say.
const DEFAULT_CAPACITY: u32 = 8;
/// Auctions at a time, where the configuration does not say.
const DEFAULT_MAX_BIDS: u32 = 16;
/// Stake that a session locks, in hundredths of its budget, where the configuration does not say: the minimum.
const DEFAULT_LOCK_PERCENT: u32 = 100;
/// Blocks for which a session may be open, where the configuration does not say: six hours.
const DEFAULT_SESSION_BLOCKS: u32 = 3_600;

/// The terms of a section of the file.
pub(super) fn from_file(model: FileModel) -> Result<ModelPolicy, ConfigError> {
    if model.package.is_empty() || model.package.contains(['/', '\\']) {
        return Err(ConfigError::field(
            "model",
            "package must be the name of a folder in models_dir",
        ));
    }
    let (offer, blocks, bidding) = (offer(&model)?, blocks(&model)?, bidding(&model)?);
    let sessions = model
        .session
        .as_ref()
        .map(|terms| sessions(&model, terms))
        .transpose()?;
    if offer.is_none() && bidding.is_none() && sessions.is_none() {
        return Err(wrong(
            &model,
            "price",
            "give a price for a standing offer, or bid for auctions, or terms of sessions, or several of these",
        ));
    }
    Ok(ModelPolicy {
        package: model.package,
        offer,
        blocks,
        bidding,
        sessions,
    })
}

fn offer(model: &FileModel) -> Result<Option<OfferPolicy>, ConfigError> {
    let price = amount(model, "price", &model.price)?;
    let base = amount(model, "base", &model.base)?;
    let rate = amount(model, "rate", &model.rate)?;
    let capacity = count(model, "capacity", model.capacity, DEFAULT_CAPACITY)?;
    if price.is_some() && (base.is_some() || rate.is_some()) {
        return Err(wrong(
            model,
            "price",
            "is a base without a rate: give price alone, or base and rate",
        ));
    }
    if base.is_none() && rate.is_some() {
        return Err(wrong(
            model,
            "rate",
            "is of no use without base: give the part of the price that every job costs, more than zero",
        ));
    }
    Ok(price.or(base).map(|base| OfferPolicy {
        base,
        rate: rate.unwrap_or(0),
        capacity,
    }))
}

fn blocks(model: &FileModel) -> Result<BlockPolicy, ConfigError> {
    let FileModel {
        min_deadline,
        min_window,
        max_window,
        ..
    } = *model;
    if let (Some(least), Some(greatest)) = (min_window, max_window)
        && least > greatest
    {
        return Err(wrong(model, "min_window", "must not be above max_window"));
    }
    Ok(BlockPolicy {
        min_deadline,
        min_window,
        max_window,
    })
}

fn bidding(model: &FileModel) -> Result<Option<BidPolicy>, ConfigError> {
    let bid = amount(model, "bid", &model.bid)?;
    let least = amount(model, "bid_min", &model.bid_min)?;
    let max_bids = count(model, "max_bids", model.max_bids, DEFAULT_MAX_BIDS)?;
    if let (Some(bid), Some(least)) = (bid, least)
        && least > bid
    {
        return Err(wrong(model, "bid_min", "must not be above bid"));
    }
    if bid.is_none() && least.is_some() {
        return Err(wrong(model, "bid_min", "is of no use without bid"));
    }
    Ok(bid.map(|price| BidPolicy {
        price,
        least: least.unwrap_or(price),
        max_bids,
    }))
}

fn sessions(model: &FileModel, terms: &FileSession) -> Result<SessionPolicy, ConfigError> {
    let named = |name: &str| format!("session.{name}");
    let needed = |name: &str, text: &Option<String>| {
        let amount = amount(model, &named(name), text)?;
        amount.ok_or_else(|| wrong(model, &named(name), "must be given, in ASY"))
    };
    let (base, min_budget) = (needed("base", &terms.base)?, needed("min_budget", &terms.min_budget)?);
    let max_budget = needed("max_budget", &terms.max_budget)?;
    if min_budget < base {
        return Err(wrong(
            model,
            &named("min_budget"),
            "must not be below base: it would pay for nothing",
        ));
    }
    if max_budget < min_budget {
        return Err(wrong(model, &named("max_budget"), "must not be below min_budget"));
    }
    let window_blocks = terms.window_blocks;
    if window_blocks == Some(0) {
        return Err(wrong(model, &named("window_blocks"), "must be more than zero"));
    }
    let count = |name: &str, given, default| count(model, &named(name), given, default);
    Ok(SessionPolicy {
        base,
        rate: amount(model, &named("rate"), &terms.rate)?.unwrap_or(0),
        min_budget,
        max_budget,
        lock_percent: count("lock_percent", terms.lock_percent, DEFAULT_LOCK_PERCENT)?,
        max_blocks: count("max_blocks", terms.max_blocks, DEFAULT_SESSION_BLOCKS)?,
        window_blocks,
        capacity: count("capacity", terms.capacity, DEFAULT_CAPACITY)?,
    })
}

/// An amount in ASY, more than zero.
fn amount(model: &FileModel, name: &str, text: &Option<String>) -> Result<Option<Balance>, ConfigError> {
    match text.as_deref().map(units::parse).transpose() {
        Ok(Some(0)) => Err(wrong(model, name, "must be more than zero")),
        Ok(amount) => Ok(amount),
        Err(error) => Err(wrong(model, name, &error.to_string())),
    }
}

/// A number above zero.
fn count(model: &FileModel, name: &str, given: Option<u32>, default: u32) -> Result<u32, ConfigError> {
    match given {
        Some(0) => Err(wrong(model, name, "must be more than zero")),
        given => Ok(given.unwrap_or(default)),
    }
}

fn wrong(model: &FileModel, name: &str, reason: &str) -> ConfigError {
    ConfigError::field(format!("model {}: {name}", model.package), reason)
}

/// Reads `PACKAGE[,price=…][,base=…][,rate=…][,capacity=…][,bid=…][,bid-min=…][,max-bids=…]`,
/// `[,min-deadline=…][,min-window=…][,max-window=…]` and
/// `[,session-base=…][,session-rate=…][,min-budget=…][,max-budget=…][,sessions=…]`.
pub(super) fn from_flag(text: &str) -> Result<ModelPolicy, ConfigError> {
    let wrong = |reason: String| ConfigError::field(format!("model {text}"), reason);
    let mut parts = text.split(',');
    let mut model = FileModel {
        package: parts.next().unwrap_or_default().trim().to_owned(),
        ..Default::default()
    };
    for part in parts {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| wrong(format!("`{part}` is not name=value")))?;
        let count = || {
            value
                .trim()
                .parse()
                .map_err(|_| wrong(format!("`{value}` is not a number")))
        };
        match name.trim().replace('-', "_").as_str() {
            "price" => model.price = Some(value.to_owned()),
            "base" => model.base = Some(value.to_owned()),
            "rate" => model.rate = Some(value.to_owned()),
            "min_deadline" => model.min_deadline = Some(count()?),
            "min_window" => model.min_window = Some(count()?),
            "max_window" => model.max_window = Some(count()?),
            "capacity" => model.capacity = Some(count()?),
            "bid" => model.bid = Some(value.to_owned()),
            "bid_min" => model.bid_min = Some(value.to_owned()),
            "max_bids" => model.max_bids = Some(count()?),
            "session_base" => session(&mut model).base = Some(value.to_owned()),
            "session_rate" => session(&mut model).rate = Some(value.to_owned()),
            "min_budget" => session(&mut model).min_budget = Some(value.to_owned()),
            "max_budget" => session(&mut model).max_budget = Some(value.to_owned()),
            "sessions" => session(&mut model).capacity = Some(count()?),
            _ => {
                return Err(wrong(format!(
                    "`{name}` is none of price, base, rate, capacity, min-deadline, min-window, max-window, bid, bid-min, \
                     max-bids, session-base, session-rate, min-budget, max-budget, sessions"
                )));
            }
        }
    }
    from_file(model)
}

/// The terms of sessions, which are begun with the first of them.
fn session(model: &mut FileModel) -> &mut FileSession {
    model.session.get_or_insert_default()
}
