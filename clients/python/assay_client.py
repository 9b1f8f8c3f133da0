"""Buys inferences on the Assay chain: inputs by a model's schema, jobs, results, receipts.

An error of this module is an AssayError, which names the field that is wrong and says what to do.
"""

import hashlib
import math
import re
import struct
from dataclasses import dataclass, field

import sr25519
from scalecodec.utils.ss58 import ss58_encode

# Blocks that a worker has, where neither the caller says nor an offer asks for more.
DEADLINE_BLOCKS = 50
# Units of work for which an offer names its rate.
WORK_PER_RATE = 10**9
CHUNK_BYTES = 1024
DECIMALS = 12
# Each data type with its format in `struct`, its bytes and the tag in a digest.
DATA_TYPES = {
    "Float32": ("f", 4, 0),
    "Int64": ("q", 8, 1),
    "Int32": ("i", 4, 2),
    "Int8": ("b", 1, 3),
    "Uint8": ("B", 1, 4),
    "Bool": ("B", 1, 5),
}
# Mini secret of the development phrase, and the junction that is each account's.
DEVELOPMENT_SEED = bytes.fromhex("fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e")


class AssayError(Exception):
    """An error about a field, such as `ceiling` or `input.image`."""

    def __init__(self, field_name, message):
        super().__init__(f"{field_name}: {message}")
        self.field = field_name


class Keypair:
    """An Sr25519 key from a seed of 32 bytes, or of a development account such as `//Bob`."""

    crypto_type = 1
    ss58_format = 42

    def __init__(self, secret):
        if isinstance(secret, str):
            found = re.fullmatch(r"//(\w{1,31})", secret)
            if not found:
                raise AssayError("secret", "give 32 bytes of a seed, or a development account such as //Bob")
            # A junction is its text in SCALE, which begins with its length.
            code = bytes([4 * len(found[1])]) + found[1].encode()
            pair = sr25519.pair_from_seed(DEVELOPMENT_SEED)
            _, self.public_key, self._secret = sr25519.hard_derive_keypair(
                (code.ljust(32, b"\0"), pair[0], pair[1]), b""
            )
        else:
            if len(secret) != 32:
                raise AssayError("secret", f"has {len(secret)} bytes; a seed has 32")
            self.public_key, self._secret = sr25519.pair_from_seed(bytes(secret))
        self.ss58_address = ss58_encode(self.public_key.hex(), self.ss58_format)

    def sign(self, data):
        """The signature of bytes, or of hexadecimal digits after `0x`."""
        message = bytes.fromhex(data[2:]) if isinstance(data, str) else bytes(data)
        return sr25519.sign((self.public_key, self._secret), message)


def asy(text):
    """The smallest units of an amount such as "0.5"."""
    found = re.fullmatch(r"(\d+)(?:\.(\d{1,12}))?", text)
    if not found:
        raise AssayError("amount", f"`{text}` is no amount of ASY such as 2 or 0.25")
    return int(found[1] + (found[2] or "").ljust(DECIMALS, "0"))


def _hash(domain, *parts):
    return hashlib.blake2b(domain.ljust(16, b"\0") + b"".join(parts), digest_size=32).digest()


def _root(domain, level):
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [_hash(domain, *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0] if level else bytes(32)


def tensor_digest(data_type, shape, data):
    """The digest of a tensor, as `primitives/exact/src/digest.rs` draws it."""
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, max(len(data), 1), CHUNK_BYTES)]
    root = _root(b"assay/node/1", [_hash(b"assay/leaf/1", chunk) for chunk in chunks])
    header = struct.pack(f"<BI{len(shape)}I", DATA_TYPES[data_type][2], len(shape), *shape)
    return _hash(b"assay/tensor/1", header, root)


def list_digest(digests):
    """The digest of a list of tensors, from their digests."""
    return _hash(b"assay/list/1", struct.pack("<I", len(digests)), _root(b"assay/listnode/1", digests))


def payload_digest(layouts, data):
    """The digest of a job's input or output, as hexadecimal digits after `0x`."""
    if len(data) != sum(size for _, _, size in layouts):
        raise AssayError("bytes", f"are {len(data)}; the tensors have {sum(size for _, _, size in layouts)}")
    digests, at = [], 0
    for data_type, shape, size in layouts:
        digests.append(tensor_digest(data_type, shape, data[at : at + size]))
        at += size
    return "0x" + list_digest(digests).hex()


@dataclass
class Model:
    """A model version on chain, with the record of `Models::Versions` and the bytes that the chain carries."""

    name: str
    version: dict
    record: dict
    max_input_bytes: int
    max_output_bytes: int

    @property
    def schema(self):
        return self.record["parts"]["schema"]

    def work(self, symbols):
        """Units of work of a job with these values of the symbols."""
        return _sum(self.record["parts"]["work"], symbols)

    def layouts(self, tensors, symbols):
        """Type, shape and bytes of each of these tensors."""
        found = []
        for tensor in tensors:
            shape = [_elements(dimension, symbols) for dimension in tensor["dimensions"]]
            found.append((tensor["data_type"], shape, math.prod(shape) * DATA_TYPES[tensor["data_type"]][1]))
        return found


@dataclass
class Input:
    """An input that is ready to be submitted."""

    symbols: list
    data: bytes
    digest: str


@dataclass
class Outcome:
    """What is known of a job; `outputs` are there if they came with the claim and have the digest claimed."""

    job: int
    phase: str = "Submitted"
    worker: str | None = None
    price: int | None = None
    output_digest: str | None = None
    outputs: dict = field(default_factory=dict)
    closed: str | None = None
    paid: int | None = None


def _elements(dimension, symbols):
    (kind, value), = dimension.items()
    if kind == "Fixed":
        return value
    if kind == "Symbol":
        return symbols[value]
    return _sum(value, symbols)


def _sum(terms, symbols):
    """A sum of products of symbols."""
    total = 0
    for term in terms:
        powers = term["powers"]
        powers = bytes.fromhex(powers[2:]) if isinstance(powers, str) else powers
        total += term["coefficient"] * math.prod(symbols[i] ** power for i, power in enumerate(powers) if power)
    return total


def _flatten(name, numbers):
    if isinstance(numbers, (int, float)):
        return [], [numbers]
    if isinstance(numbers, (str, bytes)) or not hasattr(numbers, "__len__"):
        raise AssayError(name, "is no number and no list of numbers; give a text as its tokens")
    rows = [_flatten(name, row) for row in numbers]
    if any(shape != rows[0][0] for shape, _ in rows):
        raise AssayError(name, "its lists differ in length: give every row as many elements as the first")
    return [len(rows), *(rows[0][0] if rows else [])], [value for _, flat in rows for value in flat]


def build_input(model, given):
    """Builds an input from numbers, or from a dictionary of numbers by the names of the model's inputs."""
    if model.record["parts"]["kind"] != "Plain":
        raise AssayError("model", f"{model.name} generates text: ask for it by a gateway or `assay-worker request`")
    inputs = model.schema["inputs"]
    if not isinstance(given, dict):
        if len(inputs) != 1:
            raise AssayError("input", f"give a dictionary with {', '.join(tensor['name'] for tensor in inputs)}")
        given = {inputs[0]["name"]: given}
    symbols, data = [None] * len(model.schema["symbols"]), b""
    for name in given:
        if all(tensor["name"] != name for tensor in inputs):
            raise AssayError(f"input.{name}", f"{model.name} has no such input")
    for tensor in inputs:
        name = f"input.{tensor['name']}"
        if tensor["name"] not in given:
            raise AssayError(name, "is missing")
        shape, flat = _flatten(name, given[tensor["name"]])
        _bind(name, tensor, shape, symbols)
        data += _encode(name, tensor, flat)
    for described, value in zip(model.schema["symbols"], symbols):
        if not described["min"] <= (value or 0) <= described["max"]:
            limits = f"{described['min']} to {described['max']}"
            raise AssayError(f"symbols.{described['name']}", f"is {value}; the model takes {limits}")
    if len(data) > model.max_input_bytes:
        raise AssayError("input", f"has {len(data)} bytes, and a job carries {model.max_input_bytes}: give fewer rows")
    return Input(symbols, data, payload_digest(model.layouts(inputs, symbols), data))


def _bind(name, tensor, shape, symbols):
    if len(shape) != len(tensor["dimensions"]):
        raise AssayError(name, f"has {len(shape)} dimensions, and the model takes {len(tensor['dimensions'])}")
    for axis, (dimension, length) in enumerate(zip(tensor["dimensions"], shape)):
        symbol = dimension.get("Symbol")
        if symbol is not None and symbols[symbol] is None:
            symbols[symbol] = length
        expected = dimension["Fixed"] if symbol is None else symbols[symbol]
        if length != expected:
            raise AssayError(name, f"has {length} elements along dimension {axis}, not {expected}")


def _encode(name, tensor, flat):
    limits = tensor["range"]
    for index, value in enumerate(flat):
        if limits and not limits["min"] <= value <= limits["max"]:
            raise AssayError(f"{name}[{index}]", f"is {value}; the model takes {limits['min']} to {limits['max']}")
    letter = DATA_TYPES[tensor["data_type"]][0]
    try:
        return struct.pack(f"<{len(flat)}{letter}", *flat)
    except (struct.error, OverflowError) as error:
        raise AssayError(name, f"does not fit {tensor['data_type']}: {error}") from error


def price_of(terms, work):
    """Price of this work by the terms of an offer."""
    return terms["base"] + -(-terms["rate"] * work // WORK_PER_RATE)


def agree_blocks(deadline, window, limits, offers, work):
    """Deadline and window of a job: as given, or where they are None, as the cheapest offer for this work takes them.

    `limits` has the constants of the market by their names, and `offers` the terms of the offers.
    """
    for name, value, kind in (("deadline_blocks", deadline, "Deadline"), ("window_blocks", window, "Window")):
        least, most = limits[f"Min{kind}"], limits[f"Max{kind}"]
        if value is not None and not least <= value <= most:
            raise AssayError(name, f"is {value}; this chain takes {least} to {most} blocks")
    fit = [
        terms
        for terms in offers
        if (deadline is None or terms["min_deadline"] <= deadline)
        and (window is None or terms["min_window"] <= window <= terms["max_window"])
    ]
    cheapest = min(fit, key=lambda terms: price_of(terms, work), default={"min_deadline": 0, "min_window": 0})
    if deadline is None:
        deadline = max(DEADLINE_BLOCKS, cheapest["min_deadline"], limits["MinDeadline"])
        deadline = min(deadline, limits["MaxDeadline"])
    if window is None:
        window = min(max(cheapest["min_window"], limits["MinWindow"]), limits["MaxWindow"])
    return deadline, window


def read_output(model, symbols, data):
    """The outputs by their names, as flat lists, and the digest that a claim of them has."""
    layouts = model.layouts(model.schema["outputs"], symbols)
    digest, outputs, at = payload_digest(layouts, data), {}, 0
    for tensor, (data_type, _, size) in zip(model.schema["outputs"], layouts):
        letter, element, _ = DATA_TYPES[data_type]
        outputs[tensor["name"]] = list(struct.unpack(f"<{size // element}{letter}", data[at : at + size]))
        at += size
    return outputs, digest


def raw(value, size):
    """Bytes as they were: the codec shows bytes that are UTF-8 as text, and others as digits after `0x`.

    The number of bytes tells the two apart.
    """
    if not isinstance(value, str):
        return bytes(value)
    text = value.encode()
    return text if len(text) == size else bytes.fromhex(value.removeprefix("0x"))


def verify_receipt(signed, key, **expected):
    """Checks a receipt, given as `assay_receipt` has it in `signed`, with the worker's Sr25519 key of 32 bytes.

    The fields `genesis`, `session`, `model_root`, `input_digest` and `output_digest` are compared where given. Gives
    the receipt as a dictionary.
    """
    try:
        data = bytes.fromhex(signed.removeprefix("0x"))
    except ValueError:
        raise AssayError("signed", "is not hexadecimal: give the field `signed` of a receipt") from None
    if len(data) != 168 + 65 or data[168] != 1:
        raise AssayError("signed", "is no receipt with an Sr25519 signature")
    if not sr25519.verify(data[169:], b"assay/receipt/1\0" + data[:168], key):
        raise AssayError("signature", "is not that of the worker's key over this receipt")

    def digest(at):
        return "0x" + data[at : at + 32].hex()

    session, sequence = struct.unpack("<QI", data[32:44])
    units, owed, high, block = struct.unpack("<QQQI", data[140:168])
    receipt = {"genesis": digest(0), "session": session, "sequence": sequence, "model_root": digest(44)}
    receipt |= {"input_digest": digest(76), "output_digest": digest(108)}
    receipt |= {"units": units, "owed": owed + (high << 64), "block": block}
    for name, wanted in expected.items():
        if receipt[name] != wanted:
            raise AssayError(name, f"the receipt says {receipt[name]}, and {wanted} is expected")
    return receipt
