//! Units of money and of time, how an address is written, and the deposit that state costs.

use crate::{Balance, BlockNumber};

/// Symbol of the token in wallets.
pub const TOKEN_SYMBOL: &str = "ASY";
/// Decimal places of the token.
pub const TOKEN_DECIMALS: u8 = 12;

/// Prefix of an address in text: the generic one, until the chain has its own in the registry.
pub const SS58_PREFIX: u16 = 42;

/// One token, in its indivisible units.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of a token.
pub const MILLIUNIT: Balance = UNIT / 1_000;
/// A millionth of a token.
pub const MICROUNIT: Balance = UNIT / 1_000_000;

/// Minimum balance of an account. It is small, because a worker's first payment may be small.
pub const EXISTENTIAL_DEPOSIT: Balance = 100 * MICROUNIT;

/// Deposit for `items` storage entries of `bytes` bytes in all, until they are removed.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
    items as Balance * 20 * MILLIUNIT + bytes as Balance * 100 * MICROUNIT
}

/// Length of a relay chain slot.
pub const RELAY_SLOT_MS: u32 = 6_000;
/// Blocks that we aim for in one relay chain slot. Three share one core of 2 s: each has two thirds of a second of
/// compute and 3.3 MiB of proof, and a client hears back three times as fast as with one block to a core.
pub const BLOCKS_PER_RELAY_SLOT: u32 = 3;
/// Length of an authoring slot. One author makes all blocks of a relay chain slot, so the two are as long.
pub const SLOT_MS: u64 = RELAY_SLOT_MS as u64;
/// Time between blocks when the parachain has its core in every relay chain block.
pub const TARGET_BLOCK_MS: u32 = RELAY_SLOT_MS / BLOCKS_PER_RELAY_SLOT;

/// A minute, in blocks.
pub const MINUTES: BlockNumber = 60_000 / TARGET_BLOCK_MS;
/// An hour, in blocks.
pub const HOURS: BlockNumber = 60 * MINUTES;
/// A day, in blocks.
pub const DAYS: BlockNumber = 24 * HOURS;
