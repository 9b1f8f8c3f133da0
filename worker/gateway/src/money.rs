//! Amounts of money: the smallest units inside, and decimals where people read them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Name and decimals of the currency in which a backend asks for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    /// Symbol, such as `ASY`.
    pub symbol: &'static str,
    /// Decimals of one whole unit; at most 38.
    pub decimals: u32,
}

/// Amount in the currency's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub u128);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an amount: write {symbol}, such as 2 or 0.25, with at most {decimals} decimals")]
pub struct AmountError {
    /// The text.
    pub text: String,
    /// Symbol of the currency.
    pub symbol: &'static str,
    /// Decimals of the currency.
    pub decimals: u32,
}

impl Currency {
    /// Writes an amount in whole units, exactly: `0.25`.
    pub fn show(&self, amount: Amount) -> String {
        let unit = 10u128.pow(self.decimals);
        let fraction = format!("{:0>width$}", amount.0 % unit, width = self.decimals as usize);
        let fraction = fraction.trim_end_matches('0');
        let whole = amount.0 / unit;
        if fraction.is_empty() {
            whole.to_string()
        } else {
            format!("{whole}.{fraction}")
        }
    }

    /// Reads an amount in whole units.
    pub fn parse(&self, text: &str) -> Result<Amount, AmountError> {
        let error = || AmountError {
            text: text.to_owned(),
            symbol: self.symbol,
            decimals: self.decimals,
        };
        let width = self.decimals as usize;
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > width {
            return Err(error());
        }
        let number = |text: &str| match text {
            "" => Ok(0),
            text => text.parse::<u128>().map_err(|_| error()),
        };
        let fraction = number(&format!("{fraction:0<width$}"))?;
        let whole = number(whole)?.checked_mul(10u128.pow(self.decimals));
        let all = whole.and_then(|whole| whole.checked_add(fraction));
        all.map(Amount).ok_or_else(error)
    }
}

impl Amount {
    /// The sum, or the maximum: amounts come from a chain whose supply is far below it.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or nothing.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Self::plus)
    }
}

/// A JSON number may lose digits, so an amount is a string of its smallest units.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASY: Currency = Currency {
        symbol: "ASY",
        decimals: 12,
    };

    #[test]
    fn amounts_survive_writing_and_reading() {
        for (text, amount) in [
            ("2", 2_000_000_000_000),
            ("0.25", 250_000_000_000),
            ("0.000000000001", 1),
            ("0", 0),
        ] {
            assert_eq!(ASY.parse(text), Ok(Amount(amount)));
            assert_eq!(ASY.show(Amount(amount)), text);
            let json = serde_json::to_string(&Amount(amount)).unwrap();
            assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), Amount(amount));
        }
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
            "+1",
        ] {
            assert!(ASY.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_currency_without_decimals_has_whole_amounts() {
        let whole = Currency {
            symbol: "X",
            decimals: 0,
        };
        assert_eq!(whole.parse("7"), Ok(Amount(7)));
        assert_eq!(whole.show(Amount(7)), "7");
        assert!(whole.parse("7.1").is_err());
    }
}
