"""What is opened under a claim's digests, as values and as SCALE."""

from typing import NamedTuple

from . import scale
from .encoding import READ
from .scale import Reader, byte_string, unsigned, vector
from .tensors import DATA_TYPES

MAX_PATH = 53
MAX_NODE = 2048
MAX_HEADER = 1 << 20
MAX_RANK = 8
MAX_CHUNK = 1024
MAX_CHUNKS = 65
MAX_PROOF = 106
MAX_OPERANDS = 64
MAX_INPUTS = 16
MAX_CLAIMED = 8


class Claim(NamedTuple):
    model_root: bytes
    input_digest: bytes
    output_digest: bytes
    trace_digest: bytes


class Model(NamedTuple):
    graph_count: int
    graph_list_root: bytes
    weights_root: bytes
    manifest_hash: bytes


class Membership(NamedTuple):
    count: int
    path: tuple[bytes, ...]


class Entry(NamedTuple):
    """Bytes of a header or a node, and the path of their digest in the graph's list."""

    data: bytes
    path: tuple[bytes, ...]


class Chunk(NamedTuple):
    index: int
    data: bytes


class Operand(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    root: bytes
    membership: Membership
    chunks: tuple[Chunk, ...]
    proof: tuple[bytes, ...]


class Proof(NamedTuple):
    model: Model
    operator: Entry
    operands: tuple[Operand, ...]


class TensorOpening(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    root: bytes


class SymbolsProof(NamedTuple):
    model: Model
    header: Entry
    inputs: tuple[TensorOpening, ...]


class OutputEntry(NamedTuple):
    digest: bytes
    source: Membership


class Question(NamedTuple):
    """A question about a header, or with an index about an element."""

    dtype: str
    shape: tuple[int, ...]
    index: int | None = None
    claimed: bytes = b""


def read_digest(r: Reader) -> bytes:
    return r.take(32)


def read_digests(r: Reader, most: int) -> tuple[bytes, ...]:
    return r.vector(lambda: read_digest(r), most)


def read_shape(r: Reader) -> tuple[int, ...]:
    return r.vector(r.u32, MAX_RANK)


def read_model(r: Reader) -> Model:
    return Model(r.u32(), read_digest(r), read_digest(r), read_digest(r))


def read_membership(r: Reader) -> Membership:
    return Membership(r.u32(), read_digests(r, MAX_PATH))


def read_entry(r: Reader, most: int) -> Entry:
    return Entry(r.bytes(most), read_digests(r, MAX_PATH))


def read_chunk(r: Reader) -> Chunk:
    return Chunk(r.u64(), r.bytes(MAX_CHUNK))


def read_operand(r: Reader) -> Operand:
    return Operand(
        READ["type"](r),
        read_shape(r),
        read_digest(r),
        read_membership(r),
        r.vector(lambda: read_chunk(r), MAX_CHUNKS),
        read_digests(r, MAX_PROOF),
    )


def read_proof(r: Reader) -> Proof:
    return Proof(read_model(r), read_entry(r, MAX_NODE), r.vector(lambda: read_operand(r), MAX_OPERANDS))


def read_tensor_opening(r: Reader) -> TensorOpening:
    return TensorOpening(READ["type"](r), read_shape(r), read_digest(r))


def read_symbols_proof(r: Reader) -> SymbolsProof:
    return SymbolsProof(read_model(r), read_entry(r, MAX_HEADER), r.vector(lambda: read_tensor_opening(r), MAX_INPUTS))


def read_question(r: Reader) -> Question:
    if r.tag(2):
        return Question(READ["type"](r), read_shape(r), r.u64(), r.bytes(MAX_CLAIMED))
    return Question(READ["type"](r), read_shape(r))


def write_digest(digest: bytes) -> bytes:
    return digest


def write_shape(dtype: str, shape: tuple[int, ...]) -> bytes:
    return unsigned(DATA_TYPES.index(dtype), 1) + vector(shape, lambda dim: unsigned(dim, 4))


def write_model(model: Model) -> bytes:
    return unsigned(model.graph_count, 4) + model.graph_list_root + model.weights_root + model.manifest_hash


def write_entry(entry: Entry) -> bytes:
    return byte_string(entry.data) + vector(entry.path, write_digest)


def write_membership(membership: Membership) -> bytes:
    return unsigned(membership.count, 4) + vector(membership.path, write_digest)


def write_chunk(chunk: Chunk) -> bytes:
    return unsigned(chunk.index, 8) + byte_string(chunk.data)


def write_operand(operand: Operand) -> bytes:
    return (
        write_shape(operand.dtype, operand.shape)
        + operand.root
        + write_membership(operand.membership)
        + vector(operand.chunks, write_chunk)
        + vector(operand.proof, write_digest)
    )


def write_proof(proof: Proof) -> bytes:
    return write_model(proof.model) + write_entry(proof.operator) + vector(proof.operands, write_operand)


def write_tensor_opening(opening: TensorOpening) -> bytes:
    return write_shape(opening.dtype, opening.shape) + opening.root


def write_symbols_proof(proof: SymbolsProof) -> bytes:
    return write_model(proof.model) + write_entry(proof.header) + vector(proof.inputs, write_tensor_opening)


def write_question(question: Question) -> bytes:
    shape = write_shape(question.dtype, question.shape)
    if question.index is None:
        return b"\0" + shape
    return b"\1" + shape + unsigned(question.index, 8) + byte_string(question.claimed)


ENCODED = {
    "Proof": (read_proof, write_proof),
    "Question": (read_question, write_question),
    "SymbolsProof": (read_symbols_proof, write_symbols_proof),
}


def decode(kind: str, data: bytes):
    return scale.whole(data, ENCODED[kind][0])


def encode(kind: str, value) -> bytes:
    return ENCODED[kind][1](value)
