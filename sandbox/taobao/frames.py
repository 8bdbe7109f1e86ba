"""The binary frames of the TMC long link ("toplink" version 2): bytes to values and back. No meaning, no I/O.

`u8 version=2 | u8 type | headers… | u16 0`, little-endian. A header is a u16 type and its value: 1 custom = key, u8
format, value; 2 status code u32; 3 status phrase; 4 flag u32; 5 token. Texts are a u32 byte length and UTF-8.
Written in the order status code, status phrase, flag, token, custom; zero and empty ones are left out.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from ..platform import Broken

VERSION = 2
Scalar = None | str | int | bytes
_WIDTHS = {2: "<B", 3: "<h", 4: "<i", 5: "<q", 6: "<q"}
"""How integers of a format are packed."""


class BadFrame(Broken):
    """The bytes are not a frame."""


class FrameType(IntEnum):
    """What a frame is for."""

    CONNECT = 0
    CONNECTACK = 1
    SEND = 2
    SENDACK = 3


class Format(IntEnum):
    """How a custom value is packed. DATE = epoch milliseconds."""

    VOID = 0
    STR = 1
    BYTE = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    DATE = 6
    BYTES = 7


@dataclass(frozen=True, slots=True)
class Custom:
    """One custom header."""

    key: str
    format: Format
    value: Scalar


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. `content` keeps the order of its headers; of a repeated key the last wins."""

    type: FrameType
    content: tuple[Custom, ...] = ()
    flag: int = 0
    token: str | None = field(default=None, repr=False)
    status_code: int = 0
    status_phrase: str | None = None

    def get(self, key: str) -> Scalar:
        """The value of a custom header; None when absent."""
        return {each.key: each.value for each in self.content}.get(key)


def encode(frame: Frame) -> bytes:
    """The bytes of a frame."""
    parts = [struct.pack("<BB", VERSION, frame.type)]
    if frame.status_code:
        parts.append(struct.pack("<HI", 2, frame.status_code))
    if frame.status_phrase is not None:
        parts.append(struct.pack("<H", 3) + _sized(frame.status_phrase.encode()))
    if frame.flag:
        parts.append(struct.pack("<HI", 4, frame.flag))
    if frame.token is not None:
        parts.append(struct.pack("<H", 5) + _sized(frame.token.encode()))
    parts += [struct.pack("<H", 1) + _sized(each.key.encode()) + _packed(each) for each in frame.content]
    return b"".join((*parts, struct.pack("<H", 0)))


def _sized(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _packed(custom: Custom) -> bytes:
    value, kind = custom.value, bytes((custom.format,))
    if custom.format is Format.VOID:
        return kind
    if isinstance(value, str) and custom.format is Format.STR:
        return kind + _sized(value.encode())
    if isinstance(value, bytes) and custom.format is Format.BYTES:
        return kind + _sized(value)
    if isinstance(value, int) and custom.format in _WIDTHS:
        return kind + struct.pack(_WIDTHS[custom.format], value)
    raise BadFrame(f"{custom.key} is no {custom.format.name}")


def decode(data: bytes) -> Frame:
    """The frame in these bytes, all of them. Raises BadFrame."""
    try:
        return _Reader(data).frame()
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise BadFrame("not a frame of version 2") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def frame(self) -> Frame:
        version, kind = self._number("<B"), self._number("<B")
        if version != VERSION:
            raise BadFrame(f"version {version}")
        flag, status_code = 0, 0
        token: str | None = None
        phrase: str | None = None
        content: list[Custom] = []
        while header := self._number("<H"):
            match header:
                case 1:
                    content.append(self._custom())
                case 2:
                    status_code = self._number("<I")
                case 3:
                    phrase = self._text()
                case 4:
                    flag = self._number("<I")
                case 5:
                    token = self._text()
                case _:
                    raise BadFrame(f"header {header}")
        if self._at != len(self._data):
            raise BadFrame("bytes behind the end")
        return Frame(FrameType(kind), tuple(content), flag, token, status_code, phrase)

    def _custom(self) -> Custom:
        key, kind = self._text(), Format(self._number("<B"))
        value: Scalar = None
        if kind is Format.STR:
            value = self._text()
        elif kind is Format.BYTES:
            value = self._bytes()
        elif kind is not Format.VOID:
            value = self._number(_WIDTHS[kind])
        return Custom(key, kind, value)

    def _number(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return int(value)

    def _bytes(self) -> bytes:
        size = self._number("<I")
        if size > len(self._data) - self._at:
            raise BadFrame("cut off")
        self._at += size
        return self._data[self._at - size : self._at]

    def _text(self) -> str:
        return self._bytes().decode()
