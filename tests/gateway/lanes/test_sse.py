from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lanes.sse import MAX_EVENT_BYTES, EventParser
from gateway.upstream.failures import Failure, Kind
from tests.support.fakes import PROPERTY


def parsed(*pieces: bytes) -> list[bytes]:
    parser = EventParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    last = parser.flush()
    return found if last is None else [*found, last]


line = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=6)
event = st.lists(line, min_size=1, max_size=3)


@PROPERTY
@given(
    st.lists(event, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["data:", "data: "]),
    st.lists(st.integers(0, 400)),
)
def test_however_the_bytes_are_cut_the_events_are_the_same(
    sent: list[list[str]], end: str, field: str, cuts: list[int]
) -> None:
    blocks = [[f": comment{end}", f"event: x{end}", *(f"{field}{text}{end}" for text in one), end] for one in sent]
    stream = "".join(text for block in blocks for text in block).encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:stop] for start, stop in pairwise(places)]
    whole = parsed(stream)
    assert parsed(*pieces) == whole
    if field == "data: ":
        assert whole == ["\n".join(one).encode() for one in sent]


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data: a\r\n\n", [b"a"]),
        (b"data: a\n\r\n", [b"a"]),
        (b"data: \n\n", [b""]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data:\n\n", [b""]),
        (b": comment\n\nevent: x\nid: 1\nretry: 3\ndata: a\n\n", [b"a"]),
        (b"\n\n\n\n", []),
        (b"data: a", [b"a"]),
        (b"data: a\n", [b"a"]),
        (b"data: a\r", [b"a"]),
        (b"data: a\r\n\r", [b"a"]),
        (b"databases: a\n\n", []),
        (b"", []),
    ],
)
def test_events_are_read_as_the_specification_says(stream: bytes, found: list[bytes]) -> None:
    assert parsed(stream) == found


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_an_event_that_grows_beyond_all_measure_is_refused(end: bytes) -> None:
    piece = b"data: " + b"x" * 65536 + end
    with pytest.raises(Failure) as caught:
        parsed(*[piece] * (MAX_EVENT_BYTES // 65536 + 1))
    assert caught.value.kind is Kind.GARBAGE


def test_a_long_stream_of_small_events_is_not() -> None:
    parser = EventParser()
    block = b"data: " + b"x" * 1000 + b"\n\n"
    for _ in range(2 * MAX_EVENT_BYTES // len(block * 50)):
        assert len(parser.feed(block * 50)) == 50


def test_a_long_line_in_many_pieces_costs_no_more_than_one() -> None:
    parser = EventParser()
    for _ in range(200_000):
        assert parser.feed(b"xxxxxxxx") == []
    assert parser.feed(b"\ndata: a\n\n") == [b"a"]


def test_a_stream_s_last_event_needs_no_blank_line() -> None:
    assert parsed(b"data: a\n", b"\ndata: b") == [b"a", b"b"]
