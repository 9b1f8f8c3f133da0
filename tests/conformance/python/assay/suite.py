"""The suite's kinds of cases: what each is given, and what it expects."""

from . import (
    binary32, check, functions, judge, model, openings, parts, quantise, reductions, shapes, tree, work, written,
)
from .encoding import decode_graph, write_graph
from .graph import Fixed, Refused, Value, bind
from .operators import evaluate
from .tensors import Header
from .written import Unknown, digests, hexadecimal, hexes, number, only, read_graph, write_tensor


class Difference(Exception):
    """A result that is not the expected one, with the row of the case."""

    def __init__(self, row: int | None, expected, got):
        super().__init__(expected)
        self.row, self.expected, self.got = row, expected, got


def compare(x: int, y: int) -> str:
    if binary32.less(x, y):
        return "less"
    if binary32.less(y, x):
        return "greater"
    return "equal" if binary32.equal(x, y) else "unordered"


def to_integer(bits: int, how):
    return lambda x: str(binary32.to_integer(number(x), -(1 << bits - 1), (1 << bits - 1) - 1, how))


def of_numbers(function):
    return lambda *xs: hexadecimal(function(*map(number, xs)))


def integral(how):
    return of_numbers(lambda x: binary32.integral(x, how))


ROWS = {
    "add": of_numbers(binary32.add),
    "sub": of_numbers(binary32.subtract),
    "mul": of_numbers(binary32.multiply),
    "div": of_numbers(binary32.divide),
    "fmod": of_numbers(binary32.remainder),
    "minimum": of_numbers(binary32.minimum),
    "maximum": of_numbers(binary32.maximum),
    "compare": lambda x, y: compare(number(x), number(y)),
    "canonical": of_numbers(binary32.canonical),
    "neg": of_numbers(binary32.negate),
    "abs": of_numbers(functions.absolute),
    "sqrt": of_numbers(binary32.square_root),
    "floor": integral(binary32.floored),
    "ceil": integral(binary32.ceiled),
    "round": integral(binary32.nearest),
    "trunc": integral(binary32.truncated),
    "from_integer": lambda n: hexadecimal(binary32.from_integer(int(n))),
    "round_to_i32": to_integer(32, binary32.nearest),
    "round_to_i64": to_integer(64, binary32.nearest),
    "truncate_to_i32": to_integer(32, binary32.truncated),
    "truncate_to_i64": to_integer(64, binary32.truncated),
    "scale": lambda x, n: hexadecimal(binary32.scale(number(x), n)),
}
ROWS |= {
    name: of_numbers(getattr(functions, name))
    for name in "rsqrt exp log tanh sigmoid erf sin cos silu gelu gelu_tanh".split()
}


def rows_of(case: dict, function) -> int:
    for place, (*given, expected) in enumerate(case["rows"]):
        got = function(*given)
        if got != expected:
            raise Difference(place, (given, expected), got)
    return len(case["rows"])


def numbers(texts: list[str]) -> list[int]:
    return [binary32.canonical(number(text)) for text in texts]


def quantised(case: dict) -> dict:
    result = quantise.quantise(numbers(case["row"]), quantise.QMAX[case["precision"]])
    return {"scale": hexadecimal(result.scale), "integers": result.values}


def quantised_by(case: dict) -> int:
    only(case, "name", "kind", "precision", "rows")
    qmax = quantise.QMAX[case["precision"]]
    return rows_of(case, lambda x, scale: quantise.with_scale([number(x)], number(scale), qmax)[0])


def product(case: dict) -> dict:
    precision = case["precision"]
    left = quantise.quantise(numbers(case["left"]), quantise.LEFT[precision])
    right = quantise.quantise(numbers(case["right"]), quantise.RIGHT[precision])
    return {"product": hexadecimal(quantise.product(left, right))}


REDUCTIONS = {
    "sum": reductions.total,
    "mean": reductions.mean,
    "amax": reductions.greatest,
    "amin": reductions.least,
}


def reduced(case: dict) -> dict:
    row = numbers(case["row"])
    if case["kind"] in REDUCTIONS:
        return {"result": hexadecimal(REDUCTIONS[case["kind"]](row))}
    return {"result": reductions.position(row, {"argmax": max, "argmin": min}[case["kind"]])}


def operator(case: dict) -> dict:
    op = written.read_operator(case["operator"])
    inputs = list(map(written.read_tensor, case["inputs"]))
    operands = [shapes.Shape(tensor.dtype, tuple(map(Fixed, tensor.dims))) for tensor in inputs]
    shape = shapes.output_shape(op, operands, [])
    return {"output": write_tensor(evaluate(op, inputs, Header(shape.dtype, tuple(dim.size for dim in shape.dims))))}


def hashed(case: dict) -> dict:
    return {"digest": tree.hash(bytes.fromhex(case["bytes"])).hex()}


def raw_digest(tensor: dict) -> bytes:
    """The digest of a tensor's bytes as they are sent."""
    only(tensor, "type", "shape", "data")
    return tree.tensor_digest(tensor["type"], tensor["shape"], bytes.fromhex(tensor["data"]))


def tensor_digest(case: dict) -> dict:
    root = tree.tensor_root(bytes.fromhex(case["tensor"]["data"]))
    return {"root": root.hex(), "digest": raw_digest(case["tensor"]).hex()}


def list_digest(case: dict) -> dict:
    return {"digest": tree.list_digest(digests(case["digests"])).hex()}


def manifest_hash(case: dict) -> dict:
    return {"manifest_hash": tree.manifest_hash(bytes.fromhex(case["manifest"])).hex()}


def model_root(case: dict) -> dict:
    given = written.read_parts(case["parts"])
    try:
        reason = parts.check(given)
    except Refused as refused:
        reason = error(refused)
    return {"encoded": parts.write(given).hex(), "model_root": parts.root(given).hex(), "error": reason}


def level(case: dict) -> dict:
    return {"nodes": hexes(tree.level(case["tree"], digests(case["leaves"]), case["level"]))}


def path(case: dict) -> dict:
    return {"path": hexes(tree.path(case["tree"], digests(case["leaves"]), case["index"]))}


def climb(case: dict) -> dict:
    leaf = bytes.fromhex(case["leaf"])
    root = tree.climb(case["tree"], case["count"], case["index"], leaf, digests(case["path"]))
    return {"root": root and root.hex()}


def multiproof(case: dict) -> dict:
    return {"proof": hexes(tree.multiproof(case["tree"], digests(case["leaves"]), case["indices"]))}


def climb_all(case: dict) -> dict:
    leaves = [(index, bytes.fromhex(digest)) for index, digest in case["leaves"]]
    root = tree.climb_all(case["tree"], case["count"], leaves, digests(case["proof"]))
    return {"root": root and root.hex()}


def membership(case: dict) -> dict:
    entry = bytes.fromhex(case["entry"])
    digest = tree.membership(entry, case["index"], case["count"], digests(case["path"]))
    return {"list_digest": digest and digest.hex()}


def error(refused: Refused) -> dict:
    operand = {} if refused.operand is None else {"operand": refused.operand}
    return {"reason": refused.reason} | operand


def or_error(function):
    """What a case gives, or the error alone."""

    def answer(case: dict) -> dict:
        try:
            return function(case)
        except Refused as refused:
            return {"error": error(refused)}

    return answer


def encoded_graph(case: dict) -> dict:
    graph = read_graph(case["graph"])
    return {"encoded": write_graph(graph).hex(), "nodes_root": tree.nodes_root(graph).hex()}


def decoded_graph(case: dict) -> dict:
    try:
        return {"graph": written.write_graph(decode_graph(bytes.fromhex(case["encoded"])))}
    except Refused:
        return {"graph": None}


@or_error
def checked(case: dict) -> dict:
    result = check.check(read_graph(case["graph"]))
    nodes = [{"type": s.dtype, "dimensions": list(map(written.write_dimension, s.dims))} for s in result.nodes]
    sizes = {"work": result.work, "trace_bytes": result.trace_bytes}
    return {"nodes": nodes, "batch": result.batch} | {name: written.write_polynomial(of) for name, of in sizes.items()}


@or_error
def checked_large(case: dict) -> dict:
    graph = read_graph(case["graph"])
    weights = [graph.weights[0]._replace(name=f"{graph.weights[0].name}{i}") for i in range(case["weights"])]
    nodes = [graph.nodes[0]._replace(name=f"{graph.nodes[0].name}{i}") for i in range(case["nodes"])]
    nodes[1:] = [node._replace(inputs=(Value("node", before),)) for before, node in enumerate(nodes[1:])]
    output = graph.outputs[0]._replace(value=Value("node", len(nodes) - 1))
    check.check(graph._replace(weights=tuple(weights), nodes=tuple(nodes), outputs=(output,)))
    return {"error": None}


def polynomial(case: dict) -> dict:
    value = work.value(written.read_polynomial(case["polynomial"]), case["symbols"])
    return {"value": None if value is None else str(value)}


@or_error
def bound(case: dict) -> dict:
    schema = written.read_schema(case["schema"])
    return {"symbols": bind(schema.symbols, schema.inputs, [(i["type"], tuple(i["shape"])) for i in case["inputs"]])}


@or_error
def opened_operator(case: dict) -> dict:
    claim, opening = written.read_claim(case["claim"]), written.read_operator_opening(case["opening"])
    output = written.read_tensor_opening(case["output"])
    judge.open_operator(claim, case["symbols"], case["operator"], opening, output)
    return {"error": None}


@or_error
def judged(case: dict) -> dict:
    opened, output = written.read_opened(case["opened"]), written.read_tensor_opening(case["output"])
    proof, question = written.read_proof(case["proof"]), written.read_question(case["question"])
    verdict = judge.judge(case["symbols"], opened, output, proof, question)
    return {"verdict": {"bytes": verdict.hex()} if isinstance(verdict, bytes) else verdict}


@or_error
def opened_symbols(case: dict) -> dict:
    schema, digest = written.read_schema(case["schema"]), bytes.fromhex(case["input_digest"])
    return {"symbols": judge.open_symbols(schema, digest, list(map(written.read_tensor_opening, case["inputs"])))}


@or_error
def opened_outputs(case: dict) -> dict:
    claim, outputs = written.read_claim(case["claim"]), [Value(*value) for value in case["outputs"]]
    judge.open_outputs(claim, outputs, list(map(written.read_output_entry, case["entries"])))
    return {"error": None}


def encoded_opening(case: dict) -> dict:
    value = written.OPENINGS[case["type"]][0](case["value"])
    return {"encoded": openings.encode(case["type"], value).hex()}


def decoded_opening(case: dict) -> dict:
    try:
        value = openings.decode(case["type"], bytes.fromhex(case["encoded"]))
    except Refused:
        return {"value": None}
    return {"value": written.OPENINGS[case["type"]][1](value)}


def executed(case: dict) -> dict:
    graph = read_graph(case["graph"])
    result = check.check(graph)
    weights = list(map(written.read_tensor, case["weights"]))
    manifest = tree.manifest_hash(bytes.fromhex(case["manifest"]))
    made = parts.of_graph(graph, result, model.weights_root(weights), case["precision"], manifest)
    parts.check(made)
    runs = []
    for run in case["runs"]:
        inputs = list(map(written.read_tensor, run["inputs"]))
        done = model.execute(graph, result, weights, inputs)
        runs.append({
            "inputs": run["inputs"],
            "symbols": done.symbols,
            "input_digest": tree.list_digest(list(map(raw_digest, run["inputs"]))).hex(),
            "nodes": hexes(done.nodes),
            "trace_digest": tree.list_digest(done.nodes).hex(),
            "outputs": list(map(write_tensor, done.outputs)),
            "output_digest": tree.list_digest(list(map(tree.digest, done.outputs))).hex(),
        })
    return {"parts": written.write_parts(made), "model_root": parts.root(made).hex(), "runs": runs}


# What a case of each kind is given, and what makes its results.
KINDS = {
    "quantise": (("precision", "row"), quantised),
    "product": (("precision", "left", "right"), product),
    "operator": (("operator", "inputs"), operator),
    "hash": (("bytes",), hashed),
    "tensor_digest": (("tensor",), tensor_digest),
    "list_digest": (("digests",), list_digest),
    "manifest_hash": (("manifest",), manifest_hash),
    "model_root": (("parts",), model_root),
    "level": (("tree", "leaves", "level"), level),
    "path": (("tree", "leaves", "index"), path),
    "climb": (("tree", "count", "index", "leaf", "path"), climb),
    "multiproof": (("tree", "leaves", "indices"), multiproof),
    "climb_all": (("tree", "count", "leaves", "proof"), climb_all),
    "membership": (("entry", "index", "count", "path"), membership),
    "check": (("graph",), checked),
    "check_large": (("graph", "weights", "nodes"), checked_large),
    "polynomial": (("polynomial", "symbols"), polynomial),
    "bind": (("schema", "inputs"), bound),
    "open_operator": (("claim", "symbols", "operator", "opening", "output"), opened_operator),
    "judge": (("symbols", "opened", "output", "proof", "question"), judged),
    "open_symbols": (("schema", "input_digest", "inputs"), opened_symbols),
    "open_outputs": (("claim", "outputs", "entries"), opened_outputs),
    "model": (("graph", "weights", "precision", "manifest"), executed),
}
KINDS |= {kind: (("row",), reduced) for kind in ("sum", "mean", "amax", "amin", "argmax", "argmin")}
OF_FAMILY = {
    ("graphs", "encode"): (("graph",), encoded_graph),
    ("graphs", "decode"): (("encoded",), decoded_graph),
    ("judge", "encode"): (("type", "value"), encoded_opening),
    ("judge", "decode"): (("type", "encoded"), decoded_opening),
}


def run_case(family: str, case: dict) -> int:
    """The number of checks, all of which held; `Difference` or `Unknown` otherwise."""
    kind = case["kind"]
    if "rows" in case and kind in ROWS:
        return rows_of(only(case, "name", "kind", "rows"), ROWS[kind])
    if kind == "quantise_by":
        return quantised_by(case)
    known = OF_FAMILY.get((family, kind)) or KINDS.get(kind)
    if known is None:
        raise Unknown(f"kind {kind} of {family}")
    given, function = known
    got = function(case)
    expected = {field: value for field, value in case.items() if field not in ("name", "kind", *given)}
    if got != expected and not any_shape_reason(expected, got):
        raise Difference(None, expected, got)
    return 1


def any_shape_reason(expected: dict, got: dict) -> bool:
    """Whether any of the shape's reasons is expected, and one of them is there."""
    reason = (got.get("error") or {}).get("reason", "")
    return expected == {"error": {"reason": "shape"}} and reason.startswith("shape/")
