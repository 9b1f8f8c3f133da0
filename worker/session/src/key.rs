//! The keys of sessions: what signs receipts or vouchers, and nothing else.

use crate::types::{Place, ReceiptOf, Signed, SignedReceipt, SignedVoucher, VoucherOf};
use assay_types::{SessionKey, session::SessionSignature};
use polkadot_sdk::sp_core::{Pair, ed25519, sr25519};

/// A pair of keys that signs messages of sessions. It need not be an account's.
#[derive(Clone)]
pub enum SessionPair {
    /// Ed25519: the faster one.
    Ed25519(Box<ed25519::Pair>),
    /// Sr25519.
    Sr25519(Box<sr25519::Pair>),
}

impl std::fmt::Debug for SessionPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SessionPair").field(&self.public()).finish()
    }
}

impl SessionPair {
    /// The Ed25519 pair of a secret seed.
    pub fn ed25519(seed: &[u8; 32]) -> Self {
        Self::Ed25519(Box::new(ed25519::Pair::from_seed(seed)))
    }

    /// The Sr25519 pair of a secret seed.
    pub fn sr25519(seed: &[u8; 32]) -> Self {
        Self::Sr25519(Box::new(sr25519::Pair::from_seed(seed)))
    }

    /// The key that the chain knows.
    pub fn public(&self) -> SessionKey {
        match self {
            Self::Ed25519(pair) => SessionKey::Ed25519(pair.public()),
            Self::Sr25519(pair) => SessionKey::Sr25519(pair.public()),
        }
    }

    /// Signs bytes that begin with a domain.
    pub fn sign(&self, message: &[u8]) -> SessionSignature {
        match self {
            Self::Ed25519(pair) => SessionSignature::Ed25519(pair.sign(message)),
            Self::Sr25519(pair) => SessionSignature::Sr25519(pair.sign(message)),
        }
    }

    /// Signs a receipt.
    pub fn sign_receipt(&self, receipt: ReceiptOf) -> SignedReceipt {
        Signed {
            signature: self.sign(&receipt.message()),
            message: receipt,
        }
    }

    /// Signs a voucher for this sum.
    pub fn sign_voucher(&self, place: Place, owed: u128) -> SignedVoucher {
        let voucher = VoucherOf {
            genesis: place.genesis,
            session: place.session,
            owed,
        };
        Signed {
            signature: self.sign(&voucher.message()),
            message: voucher,
        }
    }
}
