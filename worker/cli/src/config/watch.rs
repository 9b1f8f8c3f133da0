//! Settings of `watch`.

use super::{CommonArgs, ConfigError, File, common};
use assay_client::{chain::Balance, units};
use assay_daemon::config::WatchConfig;
use assay_player::watch::Sampling;
use clap::Args;
use polkadot_sdk::sp_runtime::Perbill;

/// Challenges at a time, where the configuration does not say.
const DEFAULT_MAX_GAMES: u32 = 8;

/// Settings of `watch` by flags and environment. See the file's section `[watch]` for their meaning.
#[derive(Clone, Debug, Default, Args)]
pub struct WatchArgs {
    /// Settings of every daemon
    #[command(flatten)]
    pub common: CommonArgs,
    /// A package whose claims are watched; give several [default: all in models_dir that are registered]
    #[arg(
        long = "model",
        env = "ASSAY_WATCH_MODELS",
        value_name = "PACKAGE",
        value_delimiter = ','
    )]
    pub models: Vec<String>,
    /// Percent of the claims that cost next to nothing which are checked; dearer ones are checked more often, in
    /// proportion to their price [default: 100]
    #[arg(long, env = "ASSAY_SAMPLE_LEAST", value_name = "PERCENT")]
    pub sample_least: Option<f64>,
    /// Price from which on every claim is checked, in ASY; needed if fewer than all are
    #[arg(long, env = "ASSAY_FULL_PRICE", value_name = "ASY")]
    pub full_price: Option<String>,
    /// Check the claims of this account as well, to test the machine that makes them; they are never challenged
    #[arg(long, env = "ASSAY_WATCH_OWN")]
    pub own: bool,
    /// Challenges at a time [default: 8]
    #[arg(long, env = "ASSAY_MAX_GAMES", value_name = "GAMES")]
    pub max_games: Option<u32>,
    /// The most that is put up for one challenge, in ASY [default: as much as the account has]
    #[arg(long, env = "ASSAY_MAX_BOND", value_name = "ASY")]
    pub max_bond: Option<String>,
    /// Report wrong claims and challenge none, whatever max_bond is; the account then needs no money
    #[arg(long, env = "ASSAY_ALERT_ONLY")]
    pub alert_only: bool,
}

/// Configuration of `watch`, from the file, if one is named, the environment and flags.
pub fn watch(args: &WatchArgs) -> Result<WatchConfig, ConfigError> {
    merge(args, File::load(args.common.config.as_deref())?)
}

fn merge(args: &WatchArgs, file: File) -> Result<WatchConfig, ConfigError> {
    let common = common::merge(&args.common, &file, false)?;
    let file = file.watch;
    let models = if args.models.is_empty() {
        file.model
    } else {
        Some(args.models.clone())
    };
    for package in models.iter().flatten() {
        if package.is_empty() || package.contains(['/', '\\']) {
            return Err(ConfigError::field(
                "watch.model",
                format!("`{package}` is not the name of a folder in models_dir"),
            ));
        }
    }
    if models.as_ref().is_some_and(Vec::is_empty) {
        return Err(ConfigError::field(
            "watch.model",
            "is empty: leave it out to watch all models",
        ));
    }
    let amount = |field: &str, given: &Option<String>| match given {
        None => Ok(None),
        Some(text) => units::parse(text)
            .map(Some)
            .map_err(|error| ConfigError::field(field, error)),
    };
    let full_price = amount("full_price", &args.full_price.clone().or(file.full_price))?;
    let max_bond = amount("max_bond", &args.max_bond.clone().or(file.max_bond))?;
    let max_games = args.max_games.or(file.max_games).unwrap_or(DEFAULT_MAX_GAMES);
    if max_games == 0 {
        return Err(ConfigError::field("max_games", "must be more than zero"));
    }
    // Every bond is above zero, so none is put up.
    let max_bond = match args.alert_only || file.alert_only.unwrap_or(false) {
        true => 0,
        false => max_bond.unwrap_or(Balance::MAX),
    };
    Ok(WatchConfig {
        common,
        models,
        sampling: sampling(args.sample_least.or(file.sample_least), full_price)?,
        own: args.own || file.own.unwrap_or(false),
        max_games,
        max_bond,
    })
}

/// Everything, unless a part is asked for.
fn sampling(percent: Option<f64>, full_price: Option<Balance>) -> Result<Sampling<Balance>, ConfigError> {
    let percent = percent.unwrap_or(100.0);
    if !(0.0..=100.0).contains(&percent) {
        return Err(ConfigError::field("sample_least", "must be between 0 and 100 percent"));
    }
    let full_price = match full_price {
        Some(price) => price,
        None if percent < 100.0 => {
            return Err(ConfigError::field(
                "full_price",
                "is missing: with sample_least below 100, say from which price on every claim is checked",
            ));
        }
        None => 0,
    };
    Ok(Sampling {
        // A percentage within bounds fits; the fraction beyond a millionth is of no interest.
        least: Perbill::from_parts((percent * 1e7) as u32),
        full_price,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::units::UNIT;
    use std::path::PathBuf;

    fn merged(file: &str, change: impl FnOnce(&mut WatchArgs)) -> Result<WatchConfig, ConfigError> {
        let mut args = WatchArgs {
            common: CommonArgs {
                key: Some("//Eve".into()),
                models_dir: Some(PathBuf::from(".")),
                ..Default::default()
            },
            ..Default::default()
        };
        change(&mut args);
        merge(&args, toml::from_str(file).expect("valid TOML"))
    }

    #[test]
    fn everything_is_watched_unless_something_else_is_said() {
        let config = merged("", |_| {}).expect("valid");
        assert_eq!(config.models, None);
        assert_eq!(config.sampling.chance(0), Perbill::one());
        assert_eq!(
            (config.max_games, config.max_bond, config.own),
            (8, Balance::MAX, false)
        );
    }

    #[test]
    fn a_flag_counts_more_than_the_section_of_the_file() {
        let file = "[watch]\nmodel = ['digits']\nsample_least = 5\nfull_price = '2'\nmax_bond = '9'";
        let config = merged(file, |args| args.full_price = Some("4".into())).expect("valid");
        assert_eq!(config.models, Some(vec!["digits".to_owned()]));
        assert_eq!(config.sampling.chance(0), Perbill::from_percent(5));
        assert_eq!(config.sampling.chance(2 * UNIT), Perbill::from_percent(50));
        assert_eq!(config.sampling.chance(4 * UNIT), Perbill::one());
        assert_eq!(config.max_bond, 9 * UNIT);
    }

    #[test]
    fn a_watcher_that_only_alerts_puts_up_no_bond() {
        let config = merged("[watch]\nmax_bond = '9'", |args| args.alert_only = true).expect("valid");
        assert_eq!(config.max_bond, 0);
        let config = merged("[watch]\nalert_only = true", |_| {}).expect("valid");
        assert_eq!(config.max_bond, 0);
        let config = merged("[watch]\nalert_only = false\nmax_bond = '9'", |_| {}).expect("valid");
        assert_eq!(config.max_bond, 9 * UNIT);
    }

    #[test]
    fn an_error_names_the_field() {
        type Change = fn(&mut WatchArgs);
        let cases: [(Change, &str); 5] = [
            (|args| args.sample_least = Some(5.0), "full_price: "),
            (|args| args.sample_least = Some(101.0), "sample_least: "),
            (|args| args.max_bond = Some("much".into()), "max_bond: "),
            (|args| args.max_games = Some(0), "max_games: "),
            (|args| args.models = vec!["../digits".into()], "watch.model: "),
        ];
        for (change, start) in cases {
            let error = merged("", change).expect_err(start).to_string();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
