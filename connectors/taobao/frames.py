"""The binary frames of Taobao's message connection ("toplink" version 2): bytes to values and back. Pure.

What a frame means is in messages.py. Little-endian: `u8 version | u8 type | headers… | u16 0`; a header is a `u16` type
and its value, a text is a `u32` length and UTF-8.
"""

import struct
from dataclasses import dataclass, field
from enum import IntEnum

from core.errors import Malformed

VERSION = 2


class FrameType(IntEnum):
    """What a frame is for."""

    CONNECT = 0
    CONNECT_ACK = 1
    SEND = 2
    SEND_ACK = 3


class Header(IntEnum):
    """The named headers; their values stand in `Frame`."""

    END = 0
    CUSTOM = 1
    STATUS = 2
    PHRASE = 3
    FLAG = 4
    TOKEN = 5


class Format(IntEnum):
    """How a custom header's value is written."""

    VOID = 0
    TEXT = 1
    BYTE = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    DATE = 6
    """Epoch milliseconds."""
    BYTES = 7


Value = None | str | int | bytes

_INTEGERS = {
    Format.BYTE: struct.Struct("<b"),
    Format.INT16: struct.Struct("<h"),
    Format.INT32: struct.Struct("<i"),
    Format.INT64: struct.Struct("<q"),
    Format.DATE: struct.Struct("<q"),
}
_FORMATS = frozenset(Format)
_U8, _U16, _U32 = struct.Struct("<B"), struct.Struct("<H"), struct.Struct("<I")


@dataclass(frozen=True)
class Custom:
    """A header of the application's own. Its value may be personal and does not show."""

    key: str
    format: Format
    value: Value = field(repr=False)


@dataclass(frozen=True)
class Frame:
    """One frame. A status or flag of 0 and an empty phrase or token are not on the wire."""

    type: int
    """A `FrameType`, or a number that nobody knows yet."""
    status: int = 0
    phrase: str = field(default="", repr=False)
    flag: int = 0
    token: str = field(default="", repr=False)
    content: tuple[Custom, ...] = ()

    def get(self, key: str) -> Value:
        """The value under a custom key, the last one where it is repeated; None where there is none."""
        return next((each.value for each in reversed(self.content) if each.key == key), None)


def encode(frame: Frame) -> bytes:
    """The frame's bytes, headers in the order of the official client."""
    parts = [_U8.pack(VERSION), _U8.pack(frame.type)]
    if frame.status:
        parts += [_U16.pack(Header.STATUS), _U32.pack(frame.status)]
    if frame.phrase:
        parts += [_U16.pack(Header.PHRASE), _counted(frame.phrase.encode())]
    if frame.flag:
        parts += [_U16.pack(Header.FLAG), _U32.pack(frame.flag)]
    if frame.token:
        parts += [_U16.pack(Header.TOKEN), _counted(frame.token.encode())]
    for custom in frame.content:
        parts += [_U16.pack(Header.CUSTOM), _counted(custom.key.encode()), _U8.pack(custom.format), _written(custom)]
    return b"".join([*parts, _U16.pack(Header.END)])


def decode(data: bytes) -> Frame:
    """Raises Malformed for what is no frame. A header of an unknown type counts as one without a value and an unknown
    format as text, as in the official client.
    """
    try:
        return _read(_Cursor(data))
    except (struct.error, UnicodeDecodeError, IndexError):
        raise Malformed("a frame that is cut off or garbled", channel="taobao") from None


class _Cursor:
    """Walks through a frame's bytes. Raises struct.error, IndexError or UnicodeDecodeError where they do not fit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def integer(self, form: struct.Struct) -> int:
        value: int = form.unpack_from(self._data, self._at)[0]
        self._at += form.size
        return value

    def counted(self) -> bytes:
        size = self.integer(_U32)
        end = self._at + size
        if end > len(self._data):
            raise IndexError
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def text(self) -> str:
        return self.counted().decode()


def _read(cursor: _Cursor) -> Frame:
    if cursor.integer(_U8) != VERSION:
        raise Malformed("a frame of another protocol", channel="taobao")
    kind = cursor.integer(_U8)
    status, phrase, flag, token = 0, "", 0, ""
    content: list[Custom] = []
    while (header := cursor.integer(_U16)) != Header.END:
        match header:
            case Header.CUSTOM:
                content.append(_custom(cursor))
            case Header.STATUS:
                status = cursor.integer(_U32)
            case Header.PHRASE:
                phrase = cursor.text()
            case Header.FLAG:
                flag = cursor.integer(_U32)
            case Header.TOKEN:
                token = cursor.text()
    return Frame(kind, status, phrase, flag, token, tuple(content))


def _custom(cursor: _Cursor) -> Custom:
    key, number = cursor.text(), cursor.integer(_U8)
    form = Format(number) if number in _FORMATS else Format.TEXT
    return Custom(key, form, _value(cursor, form))


def _value(cursor: _Cursor, form: Format) -> Value:
    if form in _INTEGERS:
        return cursor.integer(_INTEGERS[form])
    if form is Format.VOID:
        return None
    return cursor.counted() if form is Format.BYTES else cursor.text()


def _written(custom: Custom) -> bytes:
    """The value's bytes. Raises TypeError where the value is not of its format."""
    match custom.format, custom.value:
        case Format.VOID, None:
            return b""
        case Format.TEXT, str(text):
            return _counted(text.encode())
        case Format.BYTES, bytes(data):
            return _counted(data)
        case form, int(number) if form in _INTEGERS:
            return _INTEGERS[form].pack(number)
    raise TypeError(f"{custom.key}: not a value of the format {custom.format.name}")


def _counted(data: bytes) -> bytes:
    return _U32.pack(len(data)) + data
