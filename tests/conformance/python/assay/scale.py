"""SCALE: the binary encoding of graphs, nodes, parts of models and proofs."""

from .graph import Refused


class Reader:
    """A place in bytes that are decoded; what does not decode raises `Refused("decode")`."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        if length > len(self.data) - self.at:
            raise Refused("decode")
        self.at += length
        return self.data[self.at - length : self.at]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little", signed=True)

    def u8(self) -> int:
        return self.unsigned(1)

    def u16(self) -> int:
        return self.unsigned(2)

    def u32(self) -> int:
        return self.unsigned(4)

    def u64(self) -> int:
        return self.unsigned(8)

    def i32(self) -> int:
        return self.signed(4)

    def i64(self) -> int:
        return self.signed(8)

    def boolean(self) -> bool:
        return bool(self.tag(2))

    def option(self, element):
        return element() if self.boolean() else None

    def tag(self, variants: int) -> int:
        tag = self.u8()
        if tag >= variants:
            raise Refused("decode")
        return tag

    def compact(self) -> int:
        """A length, in the shortest of its forms and of 32 bits at most."""
        first = self.u8()
        self.at -= 1
        match first & 3:
            case 0:
                return self.u8() >> 2
            case 1:
                value, least = self.u16() >> 2, 1 << 6
            case 2:
                value, least = self.u32() >> 2, 1 << 14
            case _:
                if self.u8() != 3:
                    raise Refused("decode")
                value, least = self.u32(), 1 << 30
        if value < least:
            raise Refused("decode")
        return value

    def vector(self, element, most: int | None = None) -> tuple:
        length = self.compact()
        if most is not None and length > most:
            raise Refused("decode")
        return tuple(element() for _ in range(length))

    def bytes(self, most: int | None = None) -> bytes:
        length = self.compact()
        if most is not None and length > most:
            raise Refused("decode")
        return self.take(length)

    def text(self) -> str:
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("decode") from None

    def end(self) -> None:
        if self.at != len(self.data):
            raise Refused("decode")


def whole(data: bytes, element):
    """What the bytes encode, when nothing is left over."""
    reader = Reader(data)
    value = element(reader)
    reader.end()
    return value


def unsigned(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


def signed(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little", signed=True)


def compact(value: int) -> bytes:
    if value < 1 << 6:
        return unsigned(value << 2, 1)
    if value < 1 << 14:
        return unsigned(value << 2 | 1, 2)
    if value < 1 << 30:
        return unsigned(value << 2 | 2, 4)
    return b"\x03" + unsigned(value, 4)


def byte_string(data: bytes) -> bytes:
    return compact(len(data)) + data


def text(value: str) -> bytes:
    return byte_string(value.encode("utf-8"))


def option(value, element) -> bytes:
    return b"\0" if value is None else b"\1" + element(value)


def vector(values, element) -> bytes:
    return compact(len(values)) + b"".join(map(element, values))
