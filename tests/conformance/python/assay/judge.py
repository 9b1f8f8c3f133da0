"""A dispute's openings: an operator under a claim, one element of it, the symbols, and the outputs."""

from . import encoding, openings, tree
from .check import MAX_BYTES
from .graph import Fixed, Refused, Value, at_values, bind
from .openings import Claim, OpenedOperator, OperandChunks, OperatorOpening, OutputEntry, Proof, Question, TensorOpening
from .operators import element
from .parts import Schema
from .shapes import Shape, output_shape
from .tensors import SIZES, Header, count, decode, encode

RIGHT = "right"


class OpenedTensor:
    """A tensor of which some chunks are there; it notes which of them are read."""

    def __init__(self, position: int, tensor: TensorOpening, operand: OperandChunks):
        self.position, self.dtype, self.dims = position, tensor.dtype, tensor.shape
        self.chunks = {chunk.index: decode(chunk.data, tensor.dtype) for chunk in operand.chunks}
        self.read: set[int] = set()
        self.memo: dict = {}

    def element(self, index: int) -> int:
        chunk, place = divmod(index, openings.MAX_CHUNK // SIZES[self.dtype])
        if chunk not in self.chunks:
            raise Refused("element/closed", self.position)
        self.read.add(chunk)
        return self.chunks[chunk][place]

    def row(self, start: int, length: int) -> list[int]:
        return [self.element(index) for index in range(start, start + length)]

    def last_row(self, number: int) -> list[int]:
        return self.row(number * self.dims[-1], self.dims[-1])


def require(condition: bool, reason: str, operand: int | None = None) -> None:
    if not condition:
        raise Refused(reason, operand)


def is_sound(dtype: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor has elements, and few enough bytes."""
    return 1 <= SIZES[dtype] * count(shape) <= MAX_BYTES


def stands_in(claim: Claim, value: Value, digest: bytes, member: openings.Membership) -> bool:
    """Whether a digest is the entry of the claim's lists that a value of the graph names."""
    lists = {"input": claim.input_digest, "weight": claim.model.weights_root, "node": claim.trace_digest}
    if value.kind == "node" and member.count != claim.model.operators:
        return False
    return tree.membership(digest, value.index, member.count, list(member.path)) == lists[value.kind]


def open_operator(
    claim: Claim, symbols: list[int], operator: int, opening: OperatorOpening, output: TensorOpening
) -> OpenedOperator:
    """The operator with what it takes, if its output has this type and this shape."""
    operators = claim.model.operators
    require(operator < operators, "no_operator")
    found = tree.climb("list", operators, operator, tree.node_digest(opening.node), list(opening.path))
    require(found == claim.model.nodes_root, "operator")
    try:
        node = encoding.decode_node(opening.node)
    except Refused:
        raise Refused("operator") from None
    require(len(node.inputs) == len(opening.operands), "operand_count")
    tensors = tuple(operand.tensor for operand in opening.operands)
    for position, (value, operand) in enumerate(zip(node.inputs, opening.operands)):
        require(value.kind != "node" or value.index < operator, "wiring", position)
        digest = tree.tensor_digest_of(*operand.tensor)
        require(stands_in(claim, value, digest, operand.membership), "membership", position)
        require(is_sound(operand.tensor.dtype, operand.tensor.shape), "unsound", position)
    fixed = at_values(node.operator, symbols)
    shape = output_shape(fixed, [Shape(tensor.dtype, tuple(map(Fixed, tensor.shape))) for tensor in tensors], [])
    given = (shape.dtype, tuple(dim.size for dim in shape.dims))
    require(given == (output.dtype, output.shape) and is_sound(*given), "header")
    return OpenedOperator(opening.node, tensors)


def chunks_are_sound(tensor: TensorOpening, operand: OperandChunks) -> bool:
    if not operand.chunks:
        return not operand.proof
    length = SIZES[tensor.dtype] * count(tensor.shape)
    chunks = -(-length // openings.MAX_CHUNK)
    for chunk in operand.chunks:
        expected = min(length - chunk.index * openings.MAX_CHUNK, openings.MAX_CHUNK)
        if len(chunk.data) != expected:
            return False
    leaves = [(chunk.index, tree.leaf(chunk.data)) for chunk in operand.chunks]
    return tree.climb_all("chunks", chunks, leaves, list(operand.proof)) == tensor.root


def judge(symbols: list[int], opened: OpenedOperator, output: TensorOpening, proof: Proof, question: Question):
    """`right`, or the bytes that the element has instead."""
    require(len(opened.operands) == len(proof), "operand_count")
    for position, (tensor, operand) in enumerate(zip(opened.operands, proof)):
        require(chunks_are_sound(tensor, operand), "chunks", position)
    operands = [OpenedTensor(position, *pair) for position, pair in enumerate(zip(opened.operands, proof))]
    operator = at_values(encoding.decode_node(opened.node).operator, symbols)
    require(question.index < count(output.shape), "no_element")
    right = element(operator, operands, Header(output.dtype, output.shape), question.index)
    for operand in operands:
        require(operand.read == set(operand.chunks), "superfluous", operand.position)
    data = encode([right], output.dtype)
    return RIGHT if data == question.claimed else data


def open_symbols(schema: Schema, input_digest: bytes, inputs: list[TensorOpening]) -> list[int]:
    digests = [tree.tensor_digest_of(*opening) for opening in inputs]
    require(tree.list_digest(digests) == input_digest, "inputs")
    return bind(schema.symbols, schema.inputs, [(opening.dtype, opening.shape) for opening in inputs])


def open_outputs(claim: Claim, outputs: list[Value], entries: list[OutputEntry]) -> None:
    require(len(entries) == len(outputs), "output")
    require(tree.list_digest([entry.digest for entry in entries]) == claim.output_digest, "output")
    for value, entry in zip(outputs, entries):
        require(stands_in(claim, value, entry.digest, entry.source), "source")
