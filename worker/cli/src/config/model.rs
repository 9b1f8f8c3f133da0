//! On what terms a model is served.

use super::{ConfigError, FileModel};
use assay_client::units;
use assay_daemon::config::{BidPolicy, ModelPolicy};

/// Jobs that an offer takes at a time, where the configuration does not say.
const DEFAULT_CAPACITY: u32 = 8;
/// Auctions at a time, where the configuration does not say.
const DEFAULT_MAX_BIDS: u32 = 16;

/// The terms of a section of the file.
pub(super) fn from_file(model: FileModel) -> Result<ModelPolicy, ConfigError> {
    let field = |name: &str| format!("model {}: {name}", model.package);
    let amount = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => match units::parse(text) {
            Ok(0) => Err(ConfigError::field(field(name), "must be more than zero")),
            Ok(amount) => Ok(Some(amount)),
            Err(error) => Err(ConfigError::field(field(name), error)),
        },
    };
    if model.package.is_empty() || model.package.contains(['/', '\\']) {
        return Err(ConfigError::field(
            "model",
            "package must be the name of a folder in models_dir",
        ));
    }
    let count = |name: &str, given: Option<u32>, default: u32| match given {
        Some(0) => Err(ConfigError::field(field(name), "must be more than zero")),
        given => Ok(given.unwrap_or(default)),
    };
    let price = amount("price", &model.price)?;
    let bid = amount("bid", &model.bid)?;
    let least = amount("bid_min", &model.bid_min)?;
    let capacity = count("capacity", model.capacity, DEFAULT_CAPACITY)?;
    let max_bids = count("max_bids", model.max_bids, DEFAULT_MAX_BIDS)?;
    if price.is_none() && bid.is_none() {
        return Err(ConfigError::field(
            field("price"),
            "give a price for a standing offer, or bid for auctions, or both",
        ));
    }
    if let (Some(bid), Some(least)) = (bid, least)
        && least > bid
    {
        return Err(ConfigError::field(field("bid_min"), "must not be above bid"));
    }
    if bid.is_none() && least.is_some() {
        return Err(ConfigError::field(field("bid_min"), "is of no use without bid"));
    }
    Ok(ModelPolicy {
        package: model.package,
        offer: price.map(|price| (price, capacity)),
        bidding: bid.map(|price| BidPolicy {
            price,
            least: least.unwrap_or(price),
            max_bids,
        }),
    })
}

/// Reads `PACKAGE[,price=…][,capacity=…][,bid=…][,bid-min=…][,max-bids=…]`.
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
            "capacity" => model.capacity = Some(count()?),
            "bid" => model.bid = Some(value.to_owned()),
            "bid_min" => model.bid_min = Some(value.to_owned()),
            "max_bids" => model.max_bids = Some(count()?),
            _ => {
                return Err(wrong(format!(
                    "`{name}` is none of price, capacity, bid, bid-min, max-bids"
                )));
            }
        }
    }
    from_file(model)
}
