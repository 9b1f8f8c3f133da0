"""Digests, and the trees under them."""

from hashlib import blake2b

from .encoding import write_node
from .graph import Graph
from .tensors import DATA_TYPES, Tensor

CHUNK = 1024
NODES = {"chunks": "assay/node/1", "list": "assay/listnode/1"}


def hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def under(domain: str, data: bytes) -> bytes:
    return hash(domain.encode().ljust(16, b"\0") + data)


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def leaf(chunk: bytes) -> bytes:
    return under("assay/leaf/1", chunk)


def leaves(data: bytes) -> list[bytes]:
    return [leaf(data[at : at + CHUNK]) for at in range(0, max(len(data), 1), CHUNK)]


def above(tree: str, nodes: list[bytes]) -> list[bytes]:
    """The next level: neighbours paired, a node without a partner as it is."""
    return [
        under(NODES[tree], nodes[i] + nodes[i + 1]) if i + 1 < len(nodes) else nodes[i] for i in range(0, len(nodes), 2)
    ]


def level(tree: str, nodes: list[bytes], number: int) -> list[bytes]:
    for _ in range(number):
        if len(nodes) <= 1:
            break
        nodes = above(tree, nodes)
    return nodes


def root(tree: str, nodes: list[bytes]) -> bytes:
    if not nodes:
        return bytes(32)
    return level(tree, nodes, len(nodes).bit_length())[0]


def path(tree: str, nodes: list[bytes], index: int) -> list[bytes] | None:
    if not 0 <= index < len(nodes):
        return None
    return multiproof(tree, nodes, [index])


def ascending(indices: list[int], count: int) -> bool:
    """Whether these are leaves of a tree in ascending order, none twice, and at least one."""
    return bool(indices) and all(a < b for a, b in zip(indices, indices[1:])) and 0 <= indices[0] and indices[-1] < count


def multiproof(tree: str, nodes: list[bytes], indices: list[int]) -> list[bytes] | None:
    if not ascending(indices, len(nodes)):
        return None
    proof, known = [], list(indices)
    while len(nodes) > 1:
        members = set(known)
        for index in known:
            partner = index ^ 1
            if partner < len(nodes) and partner not in members:
                proof.append(nodes[partner])
        nodes = above(tree, nodes)
        known = list(dict.fromkeys(index >> 1 for index in known))
    return proof


def climb_all(tree: str, count: int, known: list[tuple[int, bytes]], proof: list[bytes]) -> bytes | None:
    """The root over `count` leaves of which some are known; `None` if the proof is not the one that there is."""
    if not ascending([index for index, _ in known], count):
        return None
    nodes = dict(known)
    rest = iter(proof)
    while count > 1:
        following = {}
        for index in sorted(nodes):
            if index >> 1 in following:
                continue
            if index ^ 1 >= count:
                following[index >> 1] = nodes[index]
                continue
            partner = nodes.get(index ^ 1) or next(rest, None)
            if partner is None:
                return None
            pair = partner + nodes[index] if index & 1 else nodes[index] + partner
            following[index >> 1] = under(NODES[tree], pair)
        nodes, count = following, count + 1 >> 1
    return None if next(rest, None) is not None else nodes[0]


def climb(tree: str, count: int, index: int, entry: bytes, steps: list[bytes]) -> bytes | None:
    return climb_all(tree, count, [(index, entry)], steps)


def list_digest_of(count: int, top: bytes) -> bytes:
    return under("assay/list/1", u32(count) + top)


def list_digest(digests: list[bytes]) -> bytes:
    return list_digest_of(len(digests), root("list", digests))


def membership(entry: bytes, index: int, count: int, steps: list[bytes]) -> bytes | None:
    """The digest of the list that has this entry at this place."""
    top = climb("list", count, index, entry, steps)
    return None if top is None else list_digest_of(count, top)


def tensor_digest_of(dtype: str, shape: tuple[int, ...], top: bytes) -> bytes:
    dimensions = b"".join(map(u32, shape))
    return under("assay/tensor/1", bytes([DATA_TYPES.index(dtype)]) + u32(len(shape)) + dimensions + top)


def tensor_root(data: bytes) -> bytes:
    return root("chunks", leaves(data))


def tensor_digest(dtype: str, shape: tuple[int, ...], data: bytes) -> bytes:
    return tensor_digest_of(dtype, shape, tensor_root(data))


def digest(tensor: Tensor) -> bytes:
    return tensor_digest(tensor.dtype, tensor.dims, tensor.bytes())


def node_digest(node: bytes) -> bytes:
    return under("assay/operator/1", node)


def nodes_root(graph: Graph) -> bytes:
    return root("list", [node_digest(write_node(node)) for node in graph.nodes])


def manifest_hash(manifest: bytes) -> bytes:
    return under("assay/manifest/1", manifest)
