//! An output comes back piece by piece, and nothing passes for a piece that is not the next one.

use super::*;
use crate::{
    digest::DataType,
    model::payload_digest,
    testing::{Blake2b, Random},
};
use alloc::vec;

fn layout(elements: u32) -> TensorLayout {
    TensorLayout {
        data_type: DataType::Float32,
        shape: vec![elements],
        bytes: u64::from(elements) * 4,
    }
}

/// Three tensors: of one element, of two and a half pieces, and of exactly one piece.
fn output() -> (Vec<TensorLayout>, Vec<u8>, Digest) {
    let layouts = vec![layout(1), layout(40_960), layout(16_384)];
    let mut random = Random(7);
    let bytes: Vec<u8> = (0..4 + 163_840 + 65_536).map(|_| random.next() as u8).collect();
    let digest = payload_digest::<Blake2b>(&layouts, &bytes).expect("the right size");
    (layouts, bytes, digest)
}

fn piece(layouts: &[TensorLayout], bytes: &[u8], at: Cursor) -> OutputPiece {
    OutputPiece::at::<Blake2b>(layouts, bytes, at).expect("there is more")
}

const BEGINNING: Cursor = Cursor { tensor: 0, chunk: 0 };
const SECOND: Cursor = Cursor { tensor: 1, chunk: 0 };

#[test]
fn an_output_comes_back_piece_by_piece() {
    let (layouts, bytes, digest) = output();
    let (mut at, mut delivered, mut pieces) = (Some(Cursor::default()), Vec::new(), 0);
    while let Some(here) = at {
        let piece = piece(&layouts, &bytes, here);
        at = piece
            .check::<Blake2b>(&layouts, here, &digest)
            .expect("it is the next one");
        assert_eq!(at, piece.end(&layouts, here));
        delivered.extend_from_slice(&piece.bytes);
        pieces += 1;
    }
    assert_eq!(delivered, bytes);
    let parcel = Parcel::of(&layouts);
    assert_eq!((parcel.bytes, parcel.pieces), (bytes.len() as u64, pieces));
    assert_eq!(pieces, 5);
}

#[test]
fn a_shorter_piece_of_whole_chunks_is_taken_too() {
    let (layouts, bytes, digest) = output();
    let leaves = chunk_leaves::<Blake2b>(&bytes[4..4 + 163_840]);
    let mut short = piece(&layouts, &bytes, SECOND);
    short.bytes.truncate(2 * CHUNK_BYTES);
    short.proof = Tree::Chunks
        .prove::<Blake2b>(&leaves, &[0, 1])
        .expect("there are two chunks");
    let next = Cursor { tensor: 1, chunk: 2 };
    assert_eq!(short.check::<Blake2b>(&layouts, SECOND, &digest), Ok(Some(next)));
}

#[test]
fn a_byte_a_digest_or_a_place_that_is_wrong_is_refused() {
    let (layouts, bytes, digest) = output();
    let good = piece(&layouts, &bytes, SECOND);
    let refused = |change: fn(&mut OutputPiece)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad.check::<Blake2b>(&layouts, SECOND, &digest)
    };
    for change in [
        (|bad| bad.bytes[5] ^= 1) as fn(&mut OutputPiece),
        |bad| bad.root[0] ^= 1,
        |bad| bad.path[0][0] ^= 1,
        |bad| bad.path.push([0; 32]),
        |bad| bad.path.clear(),
        |bad| bad.proof[0][0] ^= 1,
        |bad| bad.proof.push([0; 32]),
        |bad| bad.proof.clear(),
        |bad| bad.bytes.truncate(CHUNK_BYTES),
    ] {
        assert_eq!(refused(change), Err(PieceError::NotOfOutput));
    }
    for change in [
        (|bad| bad.bytes.clear()) as fn(&mut OutputPiece),
        |bad| bad.bytes.truncate(CHUNK_BYTES + 1),
        |bad| bad.bytes.truncate(CHUNK_BYTES - 4),
    ] {
        assert_eq!(refused(change), Err(PieceError::NotWholeChunks));
    }
    assert_eq!(
        refused(|bad| bad.bytes.resize(MAX_PIECE_BYTES as usize + 1, 0)),
        Err(PieceError::TooLong)
    );
    let elsewhere = Cursor { tensor: 1, chunk: 64 };
    assert_eq!(
        good.check::<Blake2b>(&layouts, elsewhere, &digest),
        Err(PieceError::NotOfOutput)
    );
    assert_eq!(
        good.check::<Blake2b>(&layouts, BEGINNING, &digest),
        Err(PieceError::NotWholeChunks)
    );
    let beyond = Cursor { tensor: 3, chunk: 0 };
    assert_eq!(
        good.check::<Blake2b>(&layouts, beyond, &digest),
        Err(PieceError::NothingLeft)
    );
    assert_eq!(
        good.check::<Blake2b>(&layouts, SECOND, &[9; 32]),
        Err(PieceError::NotOfOutput)
    );
}

#[test]
fn nothing_is_cut_from_an_output_of_another_size() {
    let (layouts, bytes, _) = output();
    assert_eq!(OutputPiece::at::<Blake2b>(&layouts, &bytes[1..], BEGINNING), None);
    assert_eq!(
        OutputPiece::at::<Blake2b>(&layouts, &bytes, Cursor { tensor: 2, chunk: 64 }),
        None
    );
}
