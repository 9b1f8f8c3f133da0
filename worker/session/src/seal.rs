//! Encryption from a client to the worker's key of the session, whatever stands between them.
//!
//! The network's transport is encrypted between two peers, and a peer's identity says nothing of accounts. So the
//! frames of a session are encrypted once more, to who has the session's key: Noise, in the pattern NX.
//!
//! ```text
//! Noise_NX_25519_ChaChaPoly_SHA256, prologue "/assay/session/1"
//!   → e                  payload, in the clear: the session's key, SCALE
//!   ← e, ee, s, es       payload: the session's key's signature of "assay/seal/1\0\0\0\0" ‖ s, SCALE
//! ```
//!
//! The worker's static key `s` is an X25519 key of its own, made at each start and kept nowhere, and the key of the
//! session signs it. It does not follow from the key of the session: an Sr25519 key has no X25519 form, and a key that
//! signs should do nothing else. What was sent stays secret when any key is stolen later, since both sides' `e` are new
//! for every stream. Requests are signed by the client's key of the session, so the pattern needs no key of the client.

use crate::{key::SessionPair, message::SEAL_DOMAIN};
use assay_network::session::wire::{MAX_CONTENT_BYTES, PROTOCOL};
use assay_types::{SessionKey, session::SessionSignature};
use codec::{DecodeAll, Encode};
use snow::{
    Builder, HandshakeState, TransportState,
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, RingResolver},
    types::{Cipher, Dh, Hash, Random},
};
use x25519_dalek::{X25519_BASEPOINT_BYTES, x25519};

/// The protocol's name.
const NOISE: &str = "Noise_NX_25519_ChaChaPoly_SHA256";
/// Bytes of a tag behind what is encrypted.
const TAG_BYTES: usize = 16;
/// Bytes that one frame carries, decrypted.
pub const MAX_PLAIN_BYTES: usize = MAX_CONTENT_BYTES - TAG_BYTES;
/// Bytes of a message of the greeting.
const MAX_GREETING_BYTES: usize = 512;
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Why a greeting failed, or a frame cannot be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The other side is not who it has to be, or somebody has changed what it sent.
    #[error("what came is not encrypted by who has the session's key")]
    Forged,
    /// The message is longer than one frame carries.
    #[error("a message has more than {MAX_PLAIN_BYTES} bytes")]
    TooLong,
    /// Noise could not be set up.
    #[error("encryption cannot be set up: {reason}")]
    Setup {
        /// The fault.
        reason: String,
    },
}

/// A client's greeting that waits for its answer.
pub struct Greeting {
    state: HandshakeState,
}

/// The worker's key for encryption.
#[derive(Clone)]
pub struct SealKey {
    secret: [u8; KEY_BYTES],
    public: [u8; KEY_BYTES],
}

/// A hello that came, and whom it asks for.
pub struct Hello {
    state: HandshakeState,
    /// The key of the session, which is to sign the answer.
    pub key: SessionKey,
}

/// Both directions of a stream after the greeting.
pub struct Sealed {
    state: TransportState,
}

impl Greeting {
    /// The greeting of the worker that has this key, and the hello to send.
    pub fn new(key: &SessionKey) -> Result<(Self, Vec<u8>), SealError> {
        let mut state = builder()?.build_initiator().map_err(setup)?;
        let mut hello = vec![0; MAX_GREETING_BYTES];
        let length = state.write_message(&key.encode(), &mut hello).map_err(setup)?;
        hello.truncate(length);
        Ok((Self { state }, hello))
    }

    /// Takes the welcome of the worker that has this key.
    pub fn finish(mut self, welcome: &[u8], key: &SessionKey) -> Result<Sealed, SealError> {
        let mut payload = vec![0; welcome.len()];
        let length = self
            .state
            .read_message(welcome, &mut payload)
            .map_err(|_| SealError::Forged)?;
        let signature = payload.get(..length).ok_or(SealError::Forged)?;
        let signature = SessionSignature::decode_all(&mut &*signature).map_err(|_| SealError::Forged)?;
        let public = self.state.get_remote_static().ok_or(SealError::Forged)?;
        match signature.verifies(&signed(public), key) {
            true => Sealed::of(self.state),
            false => Err(SealError::Forged),
        }
    }
}

impl SealKey {
    /// A new key.
    pub fn generate() -> Result<Self, SealError> {
        let pair = builder()?.generate_keypair().map_err(setup)?;
        let bytes = |bytes: Vec<u8>| {
            <[u8; KEY_BYTES]>::try_from(bytes).map_err(|_| SealError::Setup {
                reason: "a key has another length".to_owned(),
            })
        };
        Ok(Self {
            secret: bytes(pair.private)?,
            public: bytes(pair.public)?,
        })
    }

    /// Reads a hello.
    pub fn hello(&self, hello: &[u8]) -> Result<Hello, SealError> {
        let builder = builder()?.local_private_key(&self.secret).map_err(setup)?;
        let mut state = builder.build_responder().map_err(setup)?;
        let mut payload = vec![0; hello.len()];
        let length = state.read_message(hello, &mut payload).map_err(|_| SealError::Forged)?;
        let key = payload.get(..length).ok_or(SealError::Forged)?;
        let key = SessionKey::decode_all(&mut &*key).map_err(|_| SealError::Forged)?;
        Ok(Hello { state, key })
    }

    /// Answers a hello that asks for the key of this pair; returns the welcome to send.
    pub fn welcome(&self, mut hello: Hello, pair: &SessionPair) -> Result<(Sealed, Vec<u8>), SealError> {
        let signature = pair.sign(&signed(&self.public)).encode();
        let mut welcome = vec![0; MAX_GREETING_BYTES];
        let length = hello.state.write_message(&signature, &mut welcome).map_err(setup)?;
        welcome.truncate(length);
        Ok((Sealed::of(hello.state)?, welcome))
    }
}

impl Sealed {
    fn of(state: HandshakeState) -> Result<Self, SealError> {
        let state = state.into_transport_mode().map_err(setup)?;
        Ok(Self { state })
    }

    /// Encrypts the content of the next frame to send.
    pub fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        if plain.len() > MAX_PLAIN_BYTES {
            return Err(SealError::TooLong);
        }
        let mut sealed = vec![0; plain.len() + TAG_BYTES];
        let length = self.state.write_message(plain, &mut sealed).map_err(setup)?;
        sealed.truncate(length);
        Ok(sealed)
    }

    /// Decrypts the content of the next frame that came.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut plain = vec![0; sealed.len()];
        let length = self
            .state
            .read_message(sealed, &mut plain)
            .map_err(|_| SealError::Forged)?;
        plain.truncate(length);
        Ok(plain)
    }
}

/// Message about a key for encryption that the key of a session signs.
fn signed(public: &[u8]) -> Vec<u8> {
    [SEAL_DOMAIN.as_slice(), public].concat()
}

fn builder() -> Result<Builder<'static>, SealError> {
    let parameters = NOISE.parse().map_err(setup)?;
    let builder = Builder::with_resolver(parameters, Box::new(Resolver));
    builder.prologue(PROTOCOL.as_bytes()).map_err(setup)
}

fn setup(error: snow::Error) -> SealError {
    SealError::Setup {
        reason: error.to_string(),
    }
}

/// Ring's ciphers and hashes, as libp2p's Noise has them, and dalek's X25519, since ring's takes no static keys.
struct Resolver;

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        RingResolver.resolve_rng()
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        match choice {
            DHChoice::Curve25519 => Some(Box::new(Curve::default())),
            _ => None,
        }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        RingResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        RingResolver.resolve_cipher(choice)
    }
}

/// A pair of keys on Curve25519.
#[derive(Default)]
struct Curve {
    secret: [u8; KEY_BYTES],
    public: [u8; KEY_BYTES],
}

impl Curve {
    fn keep(&mut self, secret: [u8; KEY_BYTES]) {
        self.secret = secret;
        self.public = x25519(secret, X25519_BASEPOINT_BYTES);
    }
}

impl Dh for Curve {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        KEY_BYTES
    }

    fn priv_len(&self) -> usize {
        KEY_BYTES
    }

    fn set(&mut self, privkey: &[u8]) {
        let mut secret = [0; KEY_BYTES];
        secret.copy_from_slice(privkey);
        self.keep(secret);
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), snow::Error> {
        let mut secret = [0; KEY_BYTES];
        rng.try_fill_bytes(&mut secret)?;
        self.keep(secret);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        &self.secret
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), snow::Error> {
        let theirs = pubkey.first_chunk::<KEY_BYTES>().ok_or(snow::Error::Dh)?;
        let shared = x25519(self.secret, *theirs);
        // A point of small order gives everybody the same secret.
        if shared == [0; KEY_BYTES] {
            return Err(snow::Error::Dh);
        }
        out.get_mut(..KEY_BYTES)
            .ok_or(snow::Error::Dh)?
            .copy_from_slice(&shared);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeted(pair: &SessionPair) -> (Sealed, Sealed) {
        let worker = SealKey::generate().expect("a key");
        let (greeting, hello) = Greeting::new(&pair.public()).expect("a hello");
        let hello = worker.hello(&hello).expect("a hello");
        assert_eq!(hello.key, pair.public());
        let (theirs, welcome) = worker.welcome(hello, pair).expect("a welcome");
        let ours = greeting.finish(&welcome, &pair.public()).expect("greeted");
        (ours, theirs)
    }

    #[test]
    fn both_sides_read_what_the_other_wrote_with_keys_of_either_kind() {
        for pair in [SessionPair::ed25519(&[1; 32]), SessionPair::sr25519(&[1; 32])] {
            let (mut ours, mut theirs) = greeted(&pair);
            for length in [0, 1, MAX_PLAIN_BYTES] {
                let plain = vec![7; length];
                let sealed = ours.seal(&plain).expect("fits");
                assert!(sealed.len() <= MAX_CONTENT_BYTES);
                assert_eq!(theirs.open(&sealed), Ok(plain.clone()));
                let sealed = theirs.seal(&plain).expect("fits");
                assert_eq!(ours.open(&sealed), Ok(plain));
            }
            assert_eq!(ours.seal(&vec![0; MAX_PLAIN_BYTES + 1]), Err(SealError::TooLong));
        }
    }

    #[test]
    fn somebody_between_who_answers_for_the_worker_is_found_out() {
        let (worker, between) = (SessionPair::ed25519(&[1; 32]), SessionPair::ed25519(&[2; 32]));
        let (greeting, hello) = Greeting::new(&worker.public()).expect("a hello");
        let seal = SealKey::generate().expect("a key");
        let hello = seal.hello(&hello).expect("a hello");
        let (_, welcome) = seal.welcome(hello, &between).expect("a welcome");
        assert!(matches!(
            greeting.finish(&welcome, &worker.public()),
            Err(SealError::Forged)
        ));
    }

    #[test]
    fn a_welcome_to_another_client_and_a_changed_one_are_worth_nothing() {
        let pair = SessionPair::ed25519(&[1; 32]);
        let seal = SealKey::generate().expect("a key");
        let welcome = |hello: &[u8]| {
            seal.welcome(seal.hello(hello).expect("a hello"), &pair)
                .expect("a welcome")
                .1
        };
        let (first, _) = Greeting::new(&pair.public()).expect("a hello");
        let (_, other_hello) = Greeting::new(&pair.public()).expect("a hello");
        assert!(first.finish(&welcome(&other_hello), &pair.public()).is_err());
        let (second, hello) = Greeting::new(&pair.public()).expect("a hello");
        let mut changed = welcome(&hello);
        changed[40] ^= 1;
        assert!(second.finish(&changed, &pair.public()).is_err());
    }

    #[test]
    fn frames_that_are_changed_repeated_or_swapped_are_refused() {
        let (mut ours, mut theirs) = greeted(&SessionPair::ed25519(&[1; 32]));
        let first = ours.seal(b"first").expect("fits");
        let second = ours.seal(b"second").expect("fits");
        assert_eq!(theirs.open(&second), Err(SealError::Forged), "out of order");
        let mut changed = first.clone();
        changed[0] ^= 1;
        assert_eq!(theirs.open(&changed), Err(SealError::Forged));
        assert_eq!(theirs.open(&first), Ok(b"first".to_vec()));
        assert_eq!(theirs.open(&first), Err(SealError::Forged), "repeated");
        assert_eq!(theirs.open(&second), Ok(b"second".to_vec()));
    }

    #[test]
    fn what_is_no_greeting_is_refused() {
        let seal = SealKey::generate().expect("a key");
        for hello in [vec![], vec![1; 10], vec![0; 400]] {
            assert!(seal.hello(&hello).is_err());
        }
        let pair = SessionPair::ed25519(&[1; 32]);
        for welcome in [vec![], vec![1; 32], vec![0; 400]] {
            let (greeting, _) = Greeting::new(&pair.public()).expect("a hello");
            assert!(greeting.finish(&welcome, &pair.public()).is_err());
        }
    }
}
