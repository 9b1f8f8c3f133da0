"""The suite's JSON as values, and values as JSON."""

from .encoding import BINARY, REDUCTIONS, TAGS, UNARY, VARIANTS
from .graph import Affine, Dimension, Fixed, Graph, Input, Node, Operator, Output, Symbol, Symbolic, Value, Weight
from .openings import (
    Chunk, Claim, Entry, Membership, Model, Operand, OutputEntry, Proof, Question, SymbolsProof, TensorOpening,
)
from .tensors import Tensor


class Unknown(Exception):
    """A kind, an operator or a field that this implementation does not know."""


def only(fields: dict, *names: str) -> dict:
    """The same fields, if they are these and no others."""
    if set(fields) != set(names):
        raise Unknown(f"fields {sorted(fields)} instead of {sorted(names)}")
    return fields


def number(text: str) -> int:
    return int(text, 16)


def hexadecimal(bits: int) -> str:
    return f"{bits:08x}"


def digests(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def hexes(items) -> list[str] | None:
    return None if items is None else [item.hex() for item in items]


def read_tensor(fields: dict) -> Tensor:
    only(fields, "type", "shape", "data")
    return Tensor.read(fields["type"], tuple(fields["shape"]), bytes.fromhex(fields["data"]))


def write_tensor(tensor: Tensor) -> dict:
    return {"type": tensor.dtype, "shape": list(tensor.dims), "data": tensor.bytes().hex()}


def read_dimension(dim) -> Dimension:
    if isinstance(dim, int):
        return Fixed(dim)
    return {"symbol": Symbolic, "affine": Affine}[dim[0]](*dim[1:])


def read_dimensions(dims: list) -> tuple[Dimension, ...]:
    return tuple(map(read_dimension, dims))


def write_dimension(dim: Dimension):
    match dim:
        case Fixed(size):
            return size
        case Symbolic(symbol):
            return ["symbol", symbol]
        case Affine(symbol, factor, offset):
            return ["affine", symbol, factor, offset]


READ = {
    "u64": number,
    "i64": int,
    "position": tuple,
    "dimension": read_dimension,
    "dimensions": read_dimensions,
    "axes": tuple,
}
WRITE = {
    "u64": lambda bits: f"{bits:016x}",
    "i64": str,
    "position": list,
    "dimension": write_dimension,
    "dimensions": lambda dims: list(map(write_dimension, dims)),
    "axes": list,
}


def form_of(field: str, form: str, table: dict, otherwise):
    """How a parameter is read or written; epsilon alone is binary32 in hexadecimal."""
    if field == "epsilon":
        return number if table is READ else hexadecimal
    return table.get(form, otherwise)


def read_operator(fields: dict) -> Operator:
    name = fields["operator"]
    if name in UNARY + BINARY + REDUCTIONS:
        only(fields, "operator")
        return Operator(name, {})
    if name not in TAGS:
        raise Unknown(f"operator {name}")
    forms = VARIANTS[TAGS[name]][1]
    only(fields, "operator", *(field for field, _ in forms))
    return Operator(name, {field: form_of(field, form, READ, lambda v: v)(fields[field]) for field, form in forms})


def write_operator(operator: Operator) -> dict:
    forms = dict(VARIANTS[TAGS[operator.name]][1]) if operator.name in TAGS else {}
    written = {field: form_of(field, form, WRITE, lambda v: v)(operator[field]) for field, form in forms.items()}
    return {"operator": operator.name} | written


def read_node(fields: dict) -> Node:
    only(fields, "name", "operator", "inputs", "source")
    values = tuple(Value(*value) for value in fields["inputs"])
    return Node(fields["name"], read_operator(fields["operator"]), values, fields["source"])


def write_node(node: Node) -> dict:
    return {
        "name": node.name,
        "operator": write_operator(node.operator),
        "inputs": [list(value) for value in node.inputs],
        "source": node.source,
    }


def read_graph(fields: dict) -> Graph:
    only(fields, "symbols", "inputs", "weights", "nodes", "outputs")
    return Graph(
        tuple(Symbol(**only(symbol, "name", "min", "max")) for symbol in fields["symbols"]),
        tuple(
            Input(value["name"], value["type"], read_dimensions(value["dimensions"]))
            for value in fields["inputs"]
            if only(value, "name", "type", "dimensions")
        ),
        tuple(
            Weight(weight["name"], weight["type"], tuple(weight["shape"]))
            for weight in fields["weights"]
            if only(weight, "name", "type", "shape")
        ),
        tuple(map(read_node, fields["nodes"])),
        tuple(Output(value["name"], Value(*value["value"])) for value in fields["outputs"] if only(value, "name", "value")),
    )


def write_graph(graph: Graph) -> dict:
    return {
        "symbols": [symbol._asdict() for symbol in graph.symbols],
        "inputs": [
            {"name": value.name, "type": value.dtype, "dimensions": list(map(write_dimension, value.dims))}
            for value in graph.inputs
        ],
        "weights": [{"name": w.name, "type": w.dtype, "shape": list(w.shape)} for w in graph.weights],
        "nodes": list(map(write_node, graph.nodes)),
        "outputs": [{"name": output.name, "value": list(output.value)} for output in graph.outputs],
    }


def read_claim(fields: dict) -> Claim:
    return Claim(**{name: bytes.fromhex(text) for name, text in only(fields, *Claim._fields).items()})


def read_model(fields: dict) -> Model:
    only(fields, *Model._fields)
    hashes = (bytes.fromhex(fields[name]) for name in Model._fields[1:])
    return Model(fields["graph_count"], *hashes)


def write_model(model: Model) -> dict:
    return {"graph_count": model.graph_count} | {name: getattr(model, name).hex() for name in Model._fields[1:]}


def read_entry(fields: dict, name: str) -> Entry:
    only(fields, name, "path")
    return Entry(bytes.fromhex(fields[name]), tuple(digests(fields["path"])))


def write_entry(entry: Entry, name: str) -> dict:
    return {name: entry.data.hex(), "path": hexes(entry.path)}


def read_membership(fields: dict) -> Membership:
    only(fields, "count", "path")
    return Membership(fields["count"], tuple(digests(fields["path"])))


def write_membership(membership: Membership) -> dict:
    return {"count": membership.count, "path": hexes(membership.path)}


def read_chunk(fields: dict) -> Chunk:
    only(fields, "index", "bytes")
    return Chunk(int(fields["index"]), bytes.fromhex(fields["bytes"]))


def read_operand(fields: dict) -> Operand:
    only(fields, "type", "shape", "root", "membership", "chunks", "proof")
    return Operand(
        fields["type"],
        tuple(fields["shape"]),
        bytes.fromhex(fields["root"]),
        read_membership(fields["membership"]),
        tuple(map(read_chunk, fields["chunks"])),
        tuple(digests(fields["proof"])),
    )


def write_operand(operand: Operand) -> dict:
    return {
        "type": operand.dtype,
        "shape": list(operand.shape),
        "root": operand.root.hex(),
        "membership": write_membership(operand.membership),
        "chunks": [{"index": str(chunk.index), "bytes": chunk.data.hex()} for chunk in operand.chunks],
        "proof": hexes(operand.proof),
    }


def read_proof(fields: dict) -> Proof:
    only(fields, "model", "operator", "operands")
    operands = tuple(map(read_operand, fields["operands"]))
    return Proof(read_model(fields["model"]), read_entry(fields["operator"], "node"), operands)


def write_proof(proof: Proof) -> dict:
    return {
        "model": write_model(proof.model),
        "operator": write_entry(proof.operator, "node"),
        "operands": list(map(write_operand, proof.operands)),
    }


def read_tensor_opening(fields: dict) -> TensorOpening:
    only(fields, "type", "shape", "root")
    return TensorOpening(fields["type"], tuple(fields["shape"]), bytes.fromhex(fields["root"]))


def read_symbols_proof(fields: dict) -> SymbolsProof:
    only(fields, "model", "header", "inputs")
    inputs = tuple(map(read_tensor_opening, fields["inputs"]))
    return SymbolsProof(read_model(fields["model"]), read_entry(fields["header"], "header"), inputs)


def write_symbols_proof(proof: SymbolsProof) -> dict:
    return {
        "model": write_model(proof.model),
        "header": write_entry(proof.header, "header"),
        "inputs": [{"type": i.dtype, "shape": list(i.shape), "root": i.root.hex()} for i in proof.inputs],
    }


def read_output_entry(fields: dict) -> OutputEntry:
    only(fields, "digest", "source")
    return OutputEntry(bytes.fromhex(fields["digest"]), read_membership(fields["source"]))


def read_question(fields: dict) -> Question:
    dtype, shape = fields["type"], tuple(fields["shape"])
    if fields["question"] == "header":
        only(fields, "question", "type", "shape")
        return Question(dtype, shape)
    only(fields, "question", "type", "shape", "index", "claimed")
    return Question(dtype, shape, int(fields["index"]), bytes.fromhex(fields["claimed"]))


def write_question(question: Question) -> dict:
    header = {"type": question.dtype, "shape": list(question.shape)}
    if question.index is None:
        return {"question": "header"} | header
    return {"question": "element"} | header | {"index": str(question.index), "claimed": question.claimed.hex()}


OPENINGS = {
    "Proof": (read_proof, write_proof),
    "Question": (read_question, write_question),
    "SymbolsProof": (read_symbols_proof, write_symbols_proof),
}
