"""The binary frames: byte for byte as the official codecs write them, and no bytes that could break the reader."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.taobao.frames import Custom, Format, Frame, FrameType, decode, encode
from core.errors import Malformed
from tests.connectors.taobao.kit import sample

FORMATS = {"str": Format.TEXT, "byte": Format.BYTE, "int64": Format.INT64, "date": Format.DATE}


def vectors() -> list[Any]:
    found: list[Any] = sample("tmc-frames")
    return found


def described(vector: Any) -> Frame:
    """The frame that a vector spells out."""
    return Frame(
        type=vector["message_type"],
        status=vector["status_code"],
        phrase=vector["status_phrase"] or "",
        flag=vector["flag"],
        token=vector["token"] or "",
        content=tuple(Custom(each["key"], FORMATS[each["format"]], each["value"]) for each in vector["content"]),
    )


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


texts = st.text("07a 红😀\x00", max_size=8)
u32 = st.integers(0, 2**32 - 1)
customs = st.one_of(
    st.builds(Custom, texts, st.just(Format.VOID), st.none()),
    st.builds(Custom, texts, st.just(Format.TEXT), texts),
    st.builds(Custom, texts, st.just(Format.BYTE), integers(8)),
    st.builds(Custom, texts, st.just(Format.INT16), integers(16)),
    st.builds(Custom, texts, st.just(Format.INT32), integers(32)),
    st.builds(Custom, texts, st.just(Format.INT64), integers(64)),
    st.builds(Custom, texts, st.just(Format.DATE), integers(64)),
    st.builds(Custom, texts, st.just(Format.BYTES), st.binary(max_size=8)),
)
frames = st.builds(Frame, st.integers(0, 255), u32, texts, u32, texts, st.lists(customs, max_size=4).map(tuple))


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["description"][:30])
def test_the_vectors_both_ways(vector: Any) -> None:
    wire = bytes.fromhex(vector["hex"])
    assert decode(wire) == described(vector)
    assert encode(described(vector)) == wire


@given(frames)
def test_what_was_written_reads_the_same(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"\x02\x02" + rest))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    try:
        decode(data)
    except Malformed:
        return
    assert data[:1] == b"\x02"


@given(frames)
def test_a_frame_that_is_cut_off_is_malformed(frame: Frame) -> None:
    wire = encode(frame)
    for end in {0, 1, 2, len(wire) // 2, len(wire) - 1} - {len(wire)}:
        with pytest.raises(Malformed):
            decode(wire[:end])


@pytest.mark.parametrize("length", [2**31 - 1, 2**32 - 1])
def test_a_length_beyond_the_end_reserves_nothing(length: int) -> None:
    with pytest.raises(Malformed):
        decode(b"\x02\x02" + struct.pack("<HI", 5, length) + b"x")


def test_a_header_of_an_unknown_type_is_passed_over() -> None:
    assert decode(b"\x02\x02" + struct.pack("<HHIH", 77, 4, 9, 0)) == Frame(FrameType.SEND, flag=9)


def test_a_value_of_an_unknown_format_is_text() -> None:
    wire = b"\x02\x02" + struct.pack("<HI3sBI2sH", 1, 3, b"key", 99, 2, b"ok", 0)
    assert decode(wire).get("key") == "ok"


def test_the_last_of_two_equal_keys_counts() -> None:
    frame = Frame(FrameType.SEND, content=(Custom("a", Format.BYTE, 1), Custom("a", Format.BYTE, 2)))
    assert (frame.get("a"), frame.get("b")) == (2, None)


def test_an_id_beyond_2_to_the_53_is_exact() -> None:
    assert decode(bytes.fromhex(vectors()[4]["hex"])).get("id") == 2151800080537681931


@pytest.mark.parametrize(
    "wrong",
    [
        Custom("k", Format.INT64, "1"),
        Custom("k", Format.TEXT, 1),
        Custom("k", Format.VOID, ""),
        Custom("k", Format.BYTES, "x"),
    ],
)
def test_a_value_that_is_not_of_its_format_is_never_written(wrong: Custom) -> None:
    with pytest.raises(TypeError):
        encode(Frame(FrameType.SEND, content=(wrong,)))


def test_a_frame_shows_neither_names_nor_tokens() -> None:
    shown = repr(decode(bytes.fromhex(vectors()[4]["hex"])))
    assert "示例" not in shown
    assert "00000000-1111" not in shown
