"""Docker's framing of stdout and stderr."""

from hypothesis import given
from hypothesis import strategies as st

from boxship.wire import stdio


def test_a_frame_is_stream_length_payload() -> None:
    assert stdio.encode(stdio.STDERR, b"oops\n") == b"\x02\0\0\0\0\0\0\x05oops\n"


def test_half_a_frame_waits_for_the_rest() -> None:
    decoder = stdio.Decoder()
    assert decoder.feed(b"\x01\0\0\0\0\0\0\x02h") == []
    assert decoder.pending == 9
    assert decoder.feed(b"i\x02") == [(1, b"hi")]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=300)), max_size=8),
    st.integers(1, 64),
)
def test_frames_survive_any_cutting(frames: list[tuple[int, bytes]], size: int) -> None:
    wire = b"".join(stdio.encode(stream, payload) for stream, payload in frames)
    decoder = stdio.Decoder()
    seen = [
        frame for at in range(0, len(wire), size) for frame in decoder.feed(wire[at : at + size])
    ]
    assert seen == frames
    assert decoder.pending == 0
