"""The suite's JSON as values, and values as JSON."""

from .encoding import BINARY, REDUCTIONS, TAGS, UNARY, VARIANTS
from .graph import Computed, Dimension, Fixed, Graph, Input, Node, Operator, Output, Symbol, Symbolic, Value, Weight
from .openings import (
    Chunk, Claim, Membership, OpenedOperator, OperandChunks, OperandOpening, OperatorOpening, OutputEntry, Proof,
    Question, TensorOpening,
)
from .parts import Head, Parts, Schema, SymbolRange, TensorSchema
from .tensors import Tensor
from .work import Polynomial


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
    kind, value = dim
    if kind == "symbol":
        return Symbolic(value)
    return {"computed": Computed}[kind](tuple((coefficient, tuple(powers)) for coefficient, powers in value))


def read_dimensions(dims: list) -> tuple[Dimension, ...]:
    return tuple(map(read_dimension, dims))


def read_range(values: list[str] | None) -> tuple[int, int] | None:
    return None if values is None else (int(values[0]), int(values[1]))


def write_dimensions(tensor) -> dict:
    """Dimensions and range of an input of a graph, or of a tensor of a schema."""
    values = None if tensor.range is None else list(map(str, tensor.range))
    return {"dimensions": list(map(write_dimension, tensor.dims)), "range": values}


def write_dimension(dim: Dimension):
    match dim:
        case Fixed(size):
            return size
        case Symbolic(symbol):
            return ["symbol", symbol]
        case Computed(terms):
            return ["computed", [[coefficient, list(powers)] for coefficient, powers in terms]]


READ = {
    "u64": number,
    "i64": int,
    "position": tuple,
    "format": tuple,
    "dimension": read_dimension,
    "dimensions": read_dimensions,
    "axes": tuple,
}
WRITE = {
    "u64": lambda bits: f"{bits:016x}",
    "i64": str,
    "position": list,
    "format": list,
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
            Input(value["name"], value["type"], read_dimensions(value["dimensions"]), read_range(value["range"]))
            for value in fields["inputs"]
            if only(value, "name", "type", "dimensions", "range")
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
            {"name": value.name, "type": value.dtype} | write_dimensions(value) for value in graph.inputs
        ],
        "weights": [{"name": w.name, "type": w.dtype, "shape": list(w.shape)} for w in graph.weights],
        "nodes": list(map(write_node, graph.nodes)),
        "outputs": [{"name": output.name, "value": list(output.value)} for output in graph.outputs],
    }


def read_polynomial(terms: list) -> Polynomial:
    return tuple((int(coefficient), tuple(powers)) for coefficient, powers in terms)


def write_polynomial(polynomial: Polynomial) -> list:
    return [[str(coefficient), list(powers)] for coefficient, powers in polynomial]


def read_head(fields: dict) -> Head:
    only(fields, *Head._fields)
    return Head(fields["operators"], bytes.fromhex(fields["nodes_root"]), bytes.fromhex(fields["weights_root"]))


def write_head(head: Head) -> dict:
    return {"operators": head.operators, "nodes_root": head.nodes_root.hex(), "weights_root": head.weights_root.hex()}


def read_schema(fields: dict) -> Schema:
    only(fields, *Schema._fields)
    symbols = (only(symbol, *SymbolRange._fields) for symbol in fields["symbols"])
    return Schema(
        tuple(SymbolRange(bytes.fromhex(symbol["name"]), symbol["min"], symbol["max"]) for symbol in symbols),
        tuple(map(read_tensor_schema, fields["inputs"])),
        tuple(map(read_tensor_schema, fields["outputs"])),
    )


def read_tensor_schema(fields: dict) -> TensorSchema:
    only(fields, "name", "type", "dimensions", "range")
    dims, values = read_dimensions(fields["dimensions"]), read_range(fields["range"])
    return TensorSchema(bytes.fromhex(fields["name"]), fields["type"], dims, values)


def write_schema(schema: Schema) -> dict:
    tensors = {
        name: [{"name": tensor.name.hex(), "type": tensor.dtype} | write_dimensions(tensor) for tensor in of]
        for name, of in (("inputs", schema.inputs), ("outputs", schema.outputs))
    }
    return {"symbols": [symbol._asdict() | {"name": symbol.name.hex()} for symbol in schema.symbols]} | tensors


def read_parts(fields: dict) -> Parts:
    only(fields, *Parts._fields)
    return Parts(
        fields["definition"],
        fields["kind"],
        read_head(fields["head"]),
        tuple(Value(*value) for value in fields["outputs"]),
        read_schema(fields["schema"]),
        fields["precision"],
        read_polynomial(fields["work"]),
        read_polynomial(fields["trace_bytes"]),
        bytes.fromhex(fields["manifest_hash"]),
    )


def write_parts(parts: Parts) -> dict:
    return parts._asdict() | {
        "head": write_head(parts.head),
        "outputs": list(map(list, parts.outputs)),
        "schema": write_schema(parts.schema),
        "work": write_polynomial(parts.work),
        "trace_bytes": write_polynomial(parts.trace_bytes),
        "manifest_hash": parts.manifest_hash.hex(),
    }


def read_claim(fields: dict) -> Claim:
    only(fields, *Claim._fields)
    return Claim(read_head(fields["model"]), *(bytes.fromhex(fields[name]) for name in Claim._fields[1:]))


def read_membership(fields: dict) -> Membership:
    only(fields, "count", "path")
    return Membership(fields["count"], tuple(digests(fields["path"])))


def write_membership(membership: Membership) -> dict:
    return {"count": membership.count, "path": hexes(membership.path)}


def read_tensor_opening(fields: dict) -> TensorOpening:
    only(fields, "type", "shape", "root")
    return TensorOpening(fields["type"], tuple(fields["shape"]), bytes.fromhex(fields["root"]))


def write_tensor_opening(tensor: TensorOpening) -> dict:
    return {"type": tensor.dtype, "shape": list(tensor.shape), "root": tensor.root.hex()}


def read_operand(fields: dict) -> OperandOpening:
    only(fields, "tensor", "membership")
    return OperandOpening(read_tensor_opening(fields["tensor"]), read_membership(fields["membership"]))


def write_operand(operand: OperandOpening) -> dict:
    return {"tensor": write_tensor_opening(operand.tensor), "membership": write_membership(operand.membership)}


def read_operator_opening(fields: dict) -> OperatorOpening:
    only(fields, "node", "path", "operands")
    operands = tuple(map(read_operand, fields["operands"]))
    return OperatorOpening(bytes.fromhex(fields["node"]), tuple(digests(fields["path"])), operands)


def write_operator_opening(opening: OperatorOpening) -> dict:
    operands = list(map(write_operand, opening.operands))
    return {"node": opening.node.hex(), "path": hexes(opening.path), "operands": operands}


def read_opened(fields: dict) -> OpenedOperator:
    only(fields, "node", "operands")
    return OpenedOperator(bytes.fromhex(fields["node"]), tuple(map(read_tensor_opening, fields["operands"])))


def read_chunk(fields: dict) -> Chunk:
    only(fields, "index", "bytes")
    return Chunk(int(fields["index"]), bytes.fromhex(fields["bytes"]))


def read_chunks(fields: dict) -> OperandChunks:
    only(fields, "chunks", "proof")
    return OperandChunks(tuple(map(read_chunk, fields["chunks"])), tuple(digests(fields["proof"])))


def write_chunks(operand: OperandChunks) -> dict:
    chunks = [{"index": str(chunk.index), "bytes": chunk.data.hex()} for chunk in operand.chunks]
    return {"chunks": chunks, "proof": hexes(operand.proof)}


def read_proof(fields: dict) -> Proof:
    return tuple(map(read_chunks, only(fields, "operands")["operands"]))


def write_proof(proof: Proof) -> dict:
    return {"operands": list(map(write_chunks, proof))}


def read_question(fields: dict) -> Question:
    only(fields, "index", "claimed")
    return Question(int(fields["index"]), bytes.fromhex(fields["claimed"]))


def write_question(question: Question) -> dict:
    return {"index": str(question.index), "claimed": question.claimed.hex()}


def read_output_entry(fields: dict) -> OutputEntry:
    only(fields, "digest", "source")
    return OutputEntry(bytes.fromhex(fields["digest"]), read_membership(fields["source"]))


def write_output_entry(entry: OutputEntry) -> dict:
    return {"digest": entry.digest.hex(), "source": write_membership(entry.source)}


OPENINGS = {
    "OperatorOpening": (read_operator_opening, write_operator_opening),
    "TensorOpening": (read_tensor_opening, write_tensor_opening),
    "Proof": (read_proof, write_proof),
    "Question": (read_question, write_question),
    "OutputEntry": (read_output_entry, write_output_entry),
    "ModelParts": (read_parts, write_parts),
}
