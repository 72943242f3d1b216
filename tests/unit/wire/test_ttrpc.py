"""ttrpc conversations in literal bytes, and the small protobuf codec against the real one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxship.wire import ttrpc
from boxship.wire.protobuf import Malformed, decode, decode_varint, encode, encode_varint

STATE_CALL = (
    b"\x00\x00\x00\x25\x00\x00\x00\x01\x01\x00"
    b"\x0a\x17containerd.task.v2.Task\x12\x05State\x1a\x03\x0a\x01x"
)


def test_a_request_is_a_header_and_a_protobuf() -> None:
    call = ttrpc.encode_request(1, ("containerd.task.v2.Task", "State"), b"\x0a\x01x")
    assert call == STATE_CALL


def test_a_request_arrives_in_any_pieces() -> None:
    decoder = ttrpc.Decoder()
    seen = [message for byte in STATE_CALL * 2 for message in decoder.feed(bytes([byte]))]
    assert [type(message) for message in seen] == [ttrpc.Request] * 2
    request = seen[0]
    assert isinstance(request, ttrpc.Request)
    assert (request.stream, request.service) == (1, "containerd.task.v2.Task")
    assert (request.method, request.payload) == ("State", b"\x0a\x01x")


def test_deadline_and_metadata_travel() -> None:
    call = ttrpc.encode_request(3, ("S", "M"), b"", 5_000_000_000, [("ns", "moby"), ("a", "")])
    (request,) = ttrpc.Decoder().feed(call)
    assert isinstance(request, ttrpc.Request)
    assert request.timeout_ns == 5_000_000_000
    assert request.metadata == [("ns", "moby"), ("a", "")]


def test_an_error_carries_code_and_text() -> None:
    (answer,) = ttrpc.Decoder().feed(ttrpc.encode_error(7, ttrpc.NOT_FOUND, "no such task"))
    assert isinstance(answer, ttrpc.Response)
    assert (answer.stream, answer.code, answer.message) == (7, 5, "no such task")


def test_an_empty_answer_is_a_bare_header() -> None:
    assert ttrpc.encode_response(9, b"") == b"\0\0\0\0\0\0\0\x09\x02\0"
    (answer,) = ttrpc.Decoder().feed(b"\0\0\0\0\0\0\0\x09\x02\0")
    assert isinstance(answer, ttrpc.Response)
    assert (answer.code, answer.payload) == (0, b"")


def test_a_message_over_four_mib_is_refused_and_skipped() -> None:
    decoder = ttrpc.Decoder()
    length = ttrpc.MAX_LENGTH + 1
    (refused,) = decoder.feed(length.to_bytes(4, "big") + b"\0\0\0\x05\x01\0")
    assert isinstance(refused, ttrpc.Refused)
    assert (refused.stream, refused.code) == (5, ttrpc.RESOURCE_EXHAUSTED)
    assert decoder.feed(bytes(length - 1)) == []
    (request,) = decoder.feed(b"\0" + STATE_CALL)
    assert isinstance(request, ttrpc.Request)


def test_a_malformed_request_is_refused_and_the_next_is_read() -> None:
    refused, request = ttrpc.Decoder().feed(b"\0\0\0\x01\0\0\0\x03\x01\0\xff" + STATE_CALL)
    assert isinstance(refused, ttrpc.Refused)
    assert refused.code == ttrpc.INVALID_ARGUMENT
    assert isinstance(request, ttrpc.Request)


def test_a_message_too_large_is_not_sent() -> None:
    with pytest.raises(ValueError, match="ttrpc message holds"):
        ttrpc.encode_response(1, bytes(ttrpc.MAX_LENGTH))


@given(st.integers(min_value=0, max_value=(1 << 64) - 1))
def test_varints_go_both_ways(value: int) -> None:
    assert decode_varint(encode_varint(value), 0) == (value, len(encode_varint(value)))


@given(st.binary(max_size=60))
def test_no_bytes_break_the_decoder(data: bytes) -> None:
    ttrpc.Decoder().feed(data)
    schema = {"a": (1, str), "b": (2, [int]), "c": (3, {"d": (1, bytes)})}
    with contextlib.suppress(Malformed):
        decode(schema, data)


def test_unknown_names_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="nope"):
        encode({"a": (1, str)}, {"nope": 1})
