"""The judge: one element or the header of one operator's output, from what is opened under a claim."""

from . import encoding, openings, tree
from .check import MAX_BYTES
from .graph import Fixed, Header as GraphHeader, Node, Refused, Value, at_values, bind
from .openings import Claim, Entry, Model, Operand, OutputEntry, Proof, Question, SymbolsProof
from .operators import element
from .shapes import Shape, output_shape
from .tensors import SIZES, Header, count, decode, encode

RIGHT = "right"


class OpenedTensor:
    """A tensor of which some chunks are there; it notes which of them are read."""

    def __init__(self, position: int, operand: Operand):
        self.position, self.dtype, self.dims = position, operand.dtype, operand.shape
        self.chunks = {chunk.index: decode(chunk.data, operand.dtype) for chunk in operand.chunks}
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


def open_model(claim: Claim, model: Model) -> None:
    graph_root = tree.list_digest_of(model.graph_count, model.graph_list_root)
    root = tree.model_root(graph_root, model.weights_root, model.manifest_hash)
    require(root == claim.model_root and model.graph_count >= 1, "model")


def open_entry(model: Model, index: int, digest: bytes, entry: Entry, reason: str) -> None:
    root = tree.climb("list", model.graph_count, index, digest, list(entry.path))
    require(root == model.graph_list_root, reason)


def decoded(data: bytes, how, reason: str):
    try:
        return how(data)
    except Refused:
        raise Refused(reason) from None


def open_operator(model: Model, operator: int, entry: Entry) -> Node:
    require(operator < model.graph_count - 1, "no_operator")
    open_entry(model, operator + 1, tree.node_digest(entry.data), entry, "operator")
    return decoded(entry.data, encoding.decode_node, "operator")


def open_operand(claim: Claim, model: Model, operator: int, position: int, value: Value, operand: Operand) -> OpenedTensor:
    require(value.kind != "node" or value.index < operator, "wiring", position)
    digest = tree.tensor_digest_of(operand.dtype, operand.shape, operand.root)
    member = operand.membership
    lists = {"input": claim.input_digest, "weight": model.weights_root, "node": claim.trace_digest}
    found = tree.membership(digest, value.index, member.count, list(member.path))
    require(found == lists[value.kind], "membership", position)
    require(value.kind != "node" or member.count == model.graph_count - 1, "membership", position)
    require(is_sound(operand.dtype, operand.shape), "unsound", position)
    require(chunks_are_sound(operand), "chunks", position)
    return OpenedTensor(position, operand)


def is_sound(dtype: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor has elements, and few enough bytes."""
    return 1 <= SIZES[dtype] * count(shape) <= MAX_BYTES


def chunks_are_sound(operand: Operand) -> bool:
    if not operand.chunks:
        return not operand.proof
    length = SIZES[operand.dtype] * count(operand.shape)
    chunks = -(-length // openings.MAX_CHUNK)
    for chunk in operand.chunks:
        expected = min(length - chunk.index * openings.MAX_CHUNK, openings.MAX_CHUNK)
        if len(chunk.data) != expected:
            return False
    leaves = [(chunk.index, tree.leaf(chunk.data)) for chunk in operand.chunks]
    return tree.climb_all("chunks", chunks, leaves, list(operand.proof)) == operand.root


def judge(claim: Claim, symbols: list[int], operator: int, proof: Proof, question: Question):
    """`right`, or what is right instead: a header, or the bytes of the element."""
    open_model(claim, proof.model)
    node = open_operator(proof.model, operator, proof.operator)
    require(len(node.inputs) == len(proof.operands), "operand_count")
    operands = [
        open_operand(claim, proof.model, operator, position, value, operand)
        for position, (value, operand) in enumerate(zip(node.inputs, proof.operands))
    ]
    fixed = at_values(node.operator, symbols)
    shapes = [Shape(operand.dtype, tuple(map(Fixed, operand.dims))) for operand in operands]
    shape = output_shape(fixed, shapes, [])
    output = Header(shape.dtype, tuple(dim.size for dim in shape.dims))
    verdict = answered(fixed, operands, output, question)
    for operand in operands:
        require(operand.read == set(operand.chunks), "superfluous", operand.position)
    return verdict


def answered(operator, operands: list[OpenedTensor], output: Header, question: Question):
    if (question.dtype, question.shape) != output:
        return output
    if question.index is None:
        return RIGHT
    require(is_sound(*output) and question.index < count(output.dims), "no_element")
    right = encode([element(operator, operands, output, question.index)], output.dtype)
    return RIGHT if right == question.claimed else right


def open_header(claim: Claim, model: Model, entry: Entry) -> GraphHeader:
    open_model(claim, model)
    open_entry(model, 0, tree.header_digest(entry.data), entry, "header")
    return decoded(entry.data, encoding.decode_header, "header")


def open_symbols(claim: Claim, proof: SymbolsProof) -> list[int]:
    header = open_header(claim, proof.model, proof.header)
    digests = [tree.tensor_digest_of(*opening) for opening in proof.inputs]
    require(tree.list_digest(digests) == claim.input_digest, "inputs")
    return bind(header.symbols, header.inputs, [(opening.dtype, opening.shape) for opening in proof.inputs])


def open_outputs(claim: Claim, proof: SymbolsProof, outputs: list[OutputEntry]) -> None:
    header = open_header(claim, proof.model, proof.header)
    require(len(outputs) == len(header.outputs), "output")
    require(tree.list_digest([entry.digest for entry in outputs]) == claim.output_digest, "output")
    lists = {"input": claim.input_digest, "weight": proof.model.weights_root, "node": claim.trace_digest}
    for output, entry in zip(header.outputs, outputs):
        value, member = output.value, entry.source
        found = tree.membership(entry.digest, value.index, member.count, list(member.path))
        require(value.kind != "input" and found == lists[value.kind], "source")
        require(value.kind != "node" or member.count == proof.model.graph_count - 1, "source")
