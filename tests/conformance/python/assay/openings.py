"""What is opened under a claim's digests, as values and as SCALE."""

from typing import NamedTuple

from . import parts, scale
from .encoding import READ
from .parts import Head
from .scale import Reader, byte_string, unsigned, vector
from .tensors import DATA_TYPES

MAX_PATH = 53
MAX_NODE = 2048
MAX_RANK = 8
MAX_CHUNK = 1024
MAX_CHUNKS = 65
MAX_PROOF = 106
MAX_OPERANDS = 64
MAX_CLAIMED = 8


class Claim(NamedTuple):
    model: Head
    input_digest: bytes
    output_digest: bytes
    trace_digest: bytes


class Membership(NamedTuple):
    count: int
    path: tuple[bytes, ...]


class TensorOpening(NamedTuple):
    dtype: str
    shape: tuple[int, ...]
    root: bytes


class OperandOpening(NamedTuple):
    tensor: TensorOpening
    membership: Membership


class OperatorOpening(NamedTuple):
    node: bytes
    path: tuple[bytes, ...]
    operands: tuple[OperandOpening, ...]


class OpenedOperator(NamedTuple):
    node: bytes
    operands: tuple[TensorOpening, ...]


class Chunk(NamedTuple):
    index: int
    data: bytes


class OperandChunks(NamedTuple):
    chunks: tuple[Chunk, ...]
    proof: tuple[bytes, ...]


class Question(NamedTuple):
    index: int
    claimed: bytes


class OutputEntry(NamedTuple):
    digest: bytes
    source: Membership


Proof = tuple[OperandChunks, ...]


def read_digest(r: Reader) -> bytes:
    return r.take(32)


def read_digests(r: Reader, most: int) -> tuple[bytes, ...]:
    return r.vector(lambda: read_digest(r), most)


def read_membership(r: Reader) -> Membership:
    return Membership(r.u32(), read_digests(r, MAX_PATH))


def read_tensor(r: Reader) -> TensorOpening:
    return TensorOpening(READ["type"](r), r.vector(r.u32, MAX_RANK), read_digest(r))


def read_operator(r: Reader) -> OperatorOpening:
    node, path = r.bytes(MAX_NODE), read_digests(r, MAX_PATH)
    return OperatorOpening(node, path, r.vector(lambda: OperandOpening(read_tensor(r), read_membership(r)), MAX_OPERANDS))


def read_chunks(r: Reader) -> OperandChunks:
    chunks = r.vector(lambda: Chunk(r.u64(), r.bytes(MAX_CHUNK)), MAX_CHUNKS)
    return OperandChunks(chunks, read_digests(r, MAX_PROOF))


def read_proof(r: Reader) -> Proof:
    return r.vector(lambda: read_chunks(r), MAX_OPERANDS)


def read_question(r: Reader) -> Question:
    return Question(r.u64(), r.bytes(MAX_CLAIMED))


def read_output(r: Reader) -> OutputEntry:
    return OutputEntry(read_digest(r), read_membership(r))


def write_digests(digests: tuple[bytes, ...]) -> bytes:
    return vector(digests, bytes)


def write_membership(membership: Membership) -> bytes:
    return unsigned(membership.count, 4) + write_digests(membership.path)


def write_tensor(tensor: TensorOpening) -> bytes:
    dtype = unsigned(DATA_TYPES.index(tensor.dtype), 1)
    return dtype + vector(tensor.shape, lambda dim: unsigned(dim, 4)) + tensor.root


def write_operand(operand: OperandOpening) -> bytes:
    return write_tensor(operand.tensor) + write_membership(operand.membership)


def write_operator(opening: OperatorOpening) -> bytes:
    return byte_string(opening.node) + write_digests(opening.path) + vector(opening.operands, write_operand)


def write_chunk(chunk: Chunk) -> bytes:
    return unsigned(chunk.index, 8) + byte_string(chunk.data)


def write_chunks(operand: OperandChunks) -> bytes:
    return vector(operand.chunks, write_chunk) + write_digests(operand.proof)


def write_proof(proof: Proof) -> bytes:
    return vector(proof, write_chunks)


def write_question(question: Question) -> bytes:
    return unsigned(question.index, 8) + byte_string(question.claimed)


def write_output(entry: OutputEntry) -> bytes:
    return entry.digest + write_membership(entry.source)


ENCODED = {
    "OperatorOpening": (read_operator, write_operator),
    "TensorOpening": (read_tensor, write_tensor),
    "Proof": (read_proof, write_proof),
    "Question": (read_question, write_question),
    "OutputEntry": (read_output, write_output),
    "ModelParts": (parts.read, parts.write),
}


def decode(kind: str, data: bytes):
    return scale.whole(data, ENCODED[kind][0])


def encode(kind: str, value) -> bytes:
    return ENCODED[kind][1](value)
