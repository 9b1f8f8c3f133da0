"""Executions of whole graphs, and the digests that a claim stands on."""

from typing import NamedTuple

from . import tree
from .check import Checked
from .graph import Graph, Value, at_values, bind, fixed_dimension
from .operators import evaluate
from .tensors import Header, Tensor


class Run(NamedTuple):
    symbols: list[int]
    nodes: list[bytes]
    outputs: list[Tensor]


def weights_root(weights: list[Tensor]) -> bytes:
    return tree.list_digest([tree.digest(weight) for weight in weights])


def execute(graph: Graph, checked: Checked, weights: list[Tensor], inputs: list[Tensor]) -> Run:
    """All nodes in their order; a node's output is kept until the last one that takes it."""
    symbols = bind(graph.symbols, graph.inputs, [tensor.header for tensor in inputs])
    last = {value: place for place, node in enumerate(graph.nodes) for value in node.inputs}
    last |= {output.value: len(graph.nodes) for output in graph.outputs}
    values: dict[Value, Tensor] = {Value("input", i): tensor for i, tensor in enumerate(inputs)}
    values |= {Value("weight", i): tensor for i, tensor in enumerate(weights)}
    digests = []
    for place, node in enumerate(graph.nodes):
        shape = checked.nodes[place]
        header = Header(shape.dtype, tuple(fixed_dimension(dim, symbols).size for dim in shape.dims))
        operands = [values[value] for value in node.inputs]
        result = evaluate(at_values(node.operator, symbols), operands, header)
        digests.append(tree.digest(result))
        values[Value("node", place)] = result
        for value in {*node.inputs, Value("node", place)}:
            if value.kind == "node" and last.get(value, place) <= place:
                del values[value]
    return Run(symbols, digests, [values[output.value] for output in graph.outputs])
