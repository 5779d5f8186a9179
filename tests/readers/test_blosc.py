"""Chunks of Blosc: unpacked as numcodecs 0.15 packed them; broken ones say where."""

import base64
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.readers import blosc

# Written by numcodecs.Blosc: the codec, the order of bytes or bits, and what each shows stand in CONTENT.
PACKED = {
    "split": (
        "AgEBBEAfAABAHwAAlAEAABQAAAAUAQAAPwABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fHyAhIiMkJSYnKCkqKywtLi8w"
        "MTIzNDU2Nzg5Ojs8PT4/H0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fH2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5"
        "ent8fX5/H4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6fH6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/H8DB"
        "wsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7fH+Dh4uPk5ebn6Onq6+zt7u/w8fLz9PX29/j5+vv8/f7/4P///////8v/Ac7P"
        "NgAAACMAAAAA4PIDAQAB4PUAAQEC4PUAAQID4PUAAQME4PUAAQQF4PUAAQUG4PUAAQYH4MMAAgcHBxMAAAAjAAAAAOD/////////"
        "xwMCAAAAEwAAACMAAAAA4P/////////HAwIAAAA="
    ),
    "bits": (
        "AgEkBEAfAABAHwAAPQEAABQAAACcAAAAH6oBAOYfzAEA5h/wAQDmLwD/AgDmLwD/BADkAAIAIP///gAPCADfAgIAAP4AAAIAAg4A"
        "DxAA0QDmAAgCAAD+AAgCAAgcAAACAAgcAAACAAAUAAgCAAAUAAgCAAgcAAACAAgcAAACAAAUAAgCAAAUAAgCAAgcAAACAAgcAAAC"
        "AAAUAAgCAAAUAAgCAAgcAAACAKD/////////////WQAAAB8AAQAMH/8BAAwPPwAMHwA/AAwPQABoD3oADQ8CAA0P2gANDwIADQ9g"
        "AA0PAgAND2AADQ8CAAcPWgANDwIATQ+aAAcPAgBND9oATQ8CAP////9uUAAAAAAAEgAAAB8AAQD/////////vlAAAAAAABIAAAAf"
        "AAEA/////////75QAAAAAAA="
    ),
    "odd": ("AgGUBJwPAACcDwAALQAAABQAAAAVAAAAKLUv/WCcDl0AACAHAAAAAQCV33dE"),
    "text": ("AgFgASADAAAgAwAAPQAAABQAAAAlAAAAeF4ryUhVKCzNTM5WSCrKL89TSMuvUCgZFRsVGxUDiwEAv/YlCA=="),
    "far": (
        "AgEAAXQnAAB0JwAAhAEAABQAAABsAQAAPwAAAAECAwQGCAoMDxIVGBwgJCgtMjc8QkhOVFtiaXB4H4CIkJmiq7S+yNLc5/L9CBQg"
        "LDhFUl9seoiWpLPC0eDwHwAQIDFCU2R2iJqsv9Ll+AwgNEhdcoecssje9AsiOVBoH4CYsMni+xQuSGJ8l7LN6AQgPFh1kq/M6ggm"
        "RGOCocDgHwAgQGGCo8TmCCpMb5K12PwgRGiNstf8IkhulLviCTBYH4Co0PkiS3SeyPIcR3KdyPQgTHil0v8sWoi25BNCcaDQHwAw"
        "YJHC8yRWiLrsH1KFuOwgVIi98idcksj+NGui2RBIH4C48Clim9QOSIK89zJtqOQgXJjVEk+MyghGhMMCQYDAHwBAgMECQ4TGCEqM"
        "zxJVmNwgZKjtMne8AkiO1BtiqfA4DIDIEFmi6zR+yBJcpwDg//////////////////////////////////////////////9DAAEA"
        "Af////8T/wRUAgAAAA=="
    ),
    "stored": ("AgEyASgAAAAoAAAAOAAAAADdu5l3VTMR78yqiGZEIgDeu5l3VTMR782qiGZEIgDevJl3VTMR780="),
    "blocks": (
        "AgEhArAEAACwBAAAhgEAABQAAABdAQAAEgABABIBAQASAgEAEgMBABIEAQASBQEAEgYBABIHAQASCAEAEgkBABIKAQASCwEAEgwB"
        "ABINAQASDgEAEg8BABIQAQASEQEAEhIBABITAQASFAEAEhUBABIWAQASFwEAEhgBABIZAQASGgEAEhsBABIcAQASHQEAEh4BABIf"
        "AQASIAEAEiEBABIiAQASIwEAEiQBABIlAQASJgEAEicBABIoAQASKQEAEioBABIrAQASLAEAEi0BABIuAQASLwEAEjABABIxAQAS"
        "MgEAEjMBABI0AQASNQEAEjYBABI3AQASOAEAEjkBABI6AQASOwEAEjwBABI9AQASPgEAEj8BABJAAQASQQEAEkIBABJDAQASRAEA"
        "EkUBABJGAQASRwEAEkgBABJJAQASSgEAEksBABJMAQASTQEAEk4BABJPAQASUAEAElEBABJSAQASUwEAwFRUVFRUVFRVVVVVVQ0A"
        "AAAfAAEA//9BUAAAAAAA"
    ),
}
FAR = bytes(number * number >> 3 & 255 for number in range(300))
CONTENT = {
    "split": struct.pack("<2000i", *range(2000)),  # blosclz, bytes in order, a stream a byte
    "bits": struct.pack("<2000i", *range(2000)),  # lz4, bits in order
    "odd": struct.pack("<999i", *[7] * 999),  # zstd, elements that do not come in eights
    "text": b"the quick brown fox " * 40,  # zlib
    "far": FAR + bytes(9000) + FAR + bytes(500),  # blosclz, a distance in four bytes
    "stored": bytes(number * 7919 >> 3 & 255 for number in range(40)),
    "blocks": struct.pack("<600h", *[number // 7 for number in range(600)]),  # lz4, several blocks
}


def packed(name: str) -> bytes:
    return base64.b64decode(PACKED[name])


def unpacked(data: bytes, limits: Limits | None = None) -> bytes:
    return b"".join(blosc.blocks(BytesSource(data), limits or Limits()))


@pytest.mark.parametrize("name", PACKED)
def test_a_chunk_unpacks_to_what_was_packed(name: str) -> None:
    assert unpacked(packed(name)) == CONTENT[name]


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "blosc-header", id="nothing"),
        pytest.param(b"\3" + packed("text")[1:], "blosc-header", id="another format"),
        pytest.param(packed("text")[:2] + b"\x68" + packed("text")[3:], "blosc-header", id="a reserved bit"),
        pytest.param(packed("text")[:-1], "blosc-size", id="cut off"),
        pytest.param(packed("text")[:40] + bytes(21), "blosc-zlib", id="broken inside"),
        pytest.param(
            packed("text")[:16] + b"\xff\xff\0\0" + packed("text")[20:], "blosc-stream", id="a far block"
        ),
        pytest.param(
            packed("text")[:4] + b"\xff\xff\xff\0" + packed("text")[8:], "blosc-starts", id="many blocks"
        ),
        pytest.param(packed("text")[:2] + b"\x41" + packed("text")[3:], "blosc-codec", id="snappy"),
    ],
)
def test_broken_chunks_name_the_law_they_break(data: bytes, law: str) -> None:
    with pytest.raises(Malformed) as caught:
        unpacked(data)
    assert caught.value.law == law


def test_a_chunk_that_holds_too_much_is_not_unpacked() -> None:
    with pytest.raises(LimitReached):
        unpacked(packed("far"), Limits(text_bytes=5000))


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        pytest.param(b"\x00a\x20\x05", 10, id="a distance before the beginning"),
        pytest.param(b"\x00a\xe0\xff", 10, id="cut in a length"),
        pytest.param(b"\x00a\xe0\xff\xff\xff\0\0", 10, id="more than it says"),
    ],
)
def test_streams_of_blosclz_that_break_say_so(stream: bytes, size: int) -> None:
    with pytest.raises(Malformed):
        blosc.blosclz(stream, size)


@given(data=st.binary(min_size=1, max_size=400))
def test_the_beginning_of_a_block_of_lz4_is_what_the_library_gives(data: bytes) -> None:
    from lz4 import block

    whole = data * 3
    given_out = block.compress(whole, store_size=False)
    assert blosc.first_of_lz4(given_out, 64) == whole[:64]
    assert whole.startswith(blosc.first_of_lz4(given_out[: len(given_out) // 2], 64))


@given(name=st.sampled_from(sorted(PACKED)), at=st.integers(0, 10_000), value=st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_damaged_chunk_ends_in_an_error_of_ours_or_in_bytes(name: str, at: int, value: int) -> None:
    data = bytearray(packed(name))
    data[at % len(data)] = value
    with suppress(Malformed, LimitReached):
        assert len(unpacked(bytes(data))) <= Limits().text_bytes
