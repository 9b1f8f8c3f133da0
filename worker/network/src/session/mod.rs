//! Sessions on the wire: the protocol `/assay/session/1`.
//!
//! A stream carries an exchange of [`Frame`]s: a request, its answer in pieces, a receipt, a voucher. The network does
//! not know what they say, and it does not know the chain. It keeps bounds: of every frame, of the streams and the
//! requests and the bytes of each peer, and of the time in which the next frame comes.
//!
//! Many streams run beside each other over one connection. A stream is its own backpressure: a peer that does not read
//! stops who writes to it, for as long as [`Patience`](crate::Patience) allows. Dropping a [`SessionStream`] resets it,
//! which tells the other side to give up.
//!
//! A server gives a [`SessionHandler`] to [`Node::serve_sessions`](crate::Node::serve_sessions), and a client opens a
//! stream with [`Node::open_session`](crate::Node::open_session).

mod serve;
mod stream;
pub mod wire;

pub(crate) use serve::Acceptor;
pub use serve::{Serving, SessionHandler, SessionLimits};
pub use stream::{FrameReader, FrameWriter, SessionStream, StreamError};
pub use wire::{Frame, RefusalReason, SessionRefusal};
