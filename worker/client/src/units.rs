//! Amounts of money as people write them.

use crate::chain::Balance;

/// Smallest units in one ASY.
pub const UNIT: Balance = 1_000_000_000_000;
const DECIMALS: usize = 12;

/// Why an amount was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount: write ASY, such as 2 or 0.25, with at most 12 decimals")]
pub struct AmountError(pub String);

/// Reads an amount in ASY: `2`, `0.25`.
pub fn parse(text: &str) -> Result<Balance, AmountError> {
    let error = || AmountError(text.to_owned());
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
        return Err(error());
    }
    let whole: Balance = whole.parse().map_err(|_| error())?;
    let fraction: Balance = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| error())?;
    whole
        .checked_mul(UNIT)
        .and_then(|whole| whole.checked_add(fraction))
        .ok_or_else(error)
}

/// Writes an amount in ASY, exactly.
pub fn format(amount: Balance) -> String {
    let fraction = format!("{:0>DECIMALS$}", amount % UNIT);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        (amount / UNIT).to_string()
    } else {
        format!("{}.{fraction}", amount / UNIT)
    }
}

/// Writes an amount in ASY with four decimals, for tables.
pub fn short(amount: Balance) -> String {
    let ten_thousandths = amount / (UNIT / 10_000);
    format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000)
}

/// Writes the price of an offer: `0.4 ASY`, or `0.4 ASY and 0.01 for each 10^9 units of work`.
pub fn price(base: Balance, rate: Balance) -> String {
    match rate {
        0 => format!("{} ASY", format(base)),
        rate => format!("{} ASY and {} for each 10^9 units of work", format(base), format(rate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_survive_writing_and_reading() {
        for (text, amount) in [
            ("2", 2 * UNIT),
            ("0.25", UNIT / 4),
            ("0.000000000001", 1),
            ("12.5", 25 * UNIT / 2),
        ] {
            assert_eq!(parse(text), Ok(amount));
            assert_eq!(format(amount), text);
        }
        assert_eq!(short(25 * UNIT / 2), "12.5000");
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in [
            "",
            ".",
            "-1",
            "1e3",
            "0.0000000000001",
            "1,5",
            "999999999999999999999999999999",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
