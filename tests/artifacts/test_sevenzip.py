"""7z archives: honest ones are quiet, every member is given, and what is not unpacked says by what."""

import base64
import bz2
import lzma
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.artifacts.sevenzip import inspect
from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import KIB, MIB, Limits
from tests.forge_archives import Outcome, deflate, mutations, run, subject
from tests.forge_sevenzip import (
    COPY,
    LZMA1,
    LZMA1_FILTER,
    LZMA2,
    Chain,
    S,
    around,
    chain_of,
    number,
    sevenzip_of,
    streams_info,
)
from tests.readers.test_frames import lz4_of, zstd_of

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
CODE = b"\xe8\x10\x20\0\0" * 400 + b"\xe8tail"  # calls, whose targets a filter makes absolute

# Written by 7-Zip 16.02 (p7zip): model.pkl, an empty file, a folder and a link that leads out of it.
REAL = {
    "LZMA": (
        "N3q8ryccAAT1IW4tmgAAAAAAAAAhAAAAAAAAACe2UgwAF2C6EI0oGVGTUp2YjBl3A3yD03H+I2dsGWhmy+L8iO0l+exVAGAA"
        "AIEzB64P0Hif/J8/R0Fc9mccFgVYhojczl50Q7KSWVY0y1bLetCwIRzHA4lSnNb65JU/S3aczkm7w05g26PNpcuAvd3ty7Ma"
        "JDdOy5ZKt9QAMOfUPdbV2jt4oo/BJx3jYXkworukx0icvRdeRgRJuU2AFwYnAQlzAAcLAQABIwMBAQVdABAAAAyAigoBurLm"
        "0wAA"
    ),
    "LZMA2": (
        "N3q8ryccAAQMrFNklwAAAAAAAAAgAAAAAAAAACn8ceIBACIuLi8uLi9ldGNjcG9zaXgKc3lzdGVtCihTJ2VjaG8nCnRSLgAA"
        "AIEzB64P0Hif/J8/R0EFh4ajQDx9Fv5JA1YuXeiH6hKXgWsR2wEu40bSbjHIFN5Z3tao0lYGjDgw4i9DnLPwf1+g50NZRgTW"
        "FXVhBwA24kAG9H60T50tYfYQYvwKCxBGKyOkR5pQ6IYVe6uCAAAAFwYnAQlwAAcLAQABIwMBAQVdABAAAAx6CgHdXb1gAAA="
    ),
}
REAL_PPMD = (
    "N3q8ryccAAQXZxYplgAAAAAAAAAhAAAAAAAAANv+KeAALgJy6s7wm6mdiBA6hugh4OLEGiqYZVzNQ2iN4QqhXkUrjgAAgTMH"
    "rg/QPBb8nz9HQWKykkXuT6tx6zeOUF0aPOw1UMd0SbQSbRfGdUAFXYwd4gJV+tRhDY241Ry1TPvYAZ4HU/cgpNLDx3s2bhMZ"
    "UvB3tKk3T0SL9iMV1F8pB1qmed9DL0XgOUd+A2mJLlm25uraCwAXBiMBCXMABwsBAAEjAwEBBV0AEAAADICKCgFq38muAAA="
)
REAL_BCJ = (
    "N3q8ryccAARe8kgHIAAAAAAAAABOAAAAAAAAAFo63+oAMZwKIvYM+Auj29ttAH22DpMgzFRmjm5mODCeYzTuAAEEBgABCSAA"
    "BwsBAAIjAwEBBV0AEAAABAMDAQMBAAwaGgAICgE7Y6heAAAFAREVAG0AbwBkAGUAbAAuAHAAawBsAAAAFQYBACCApIEAAA=="
)
REAL_AES = (
    "N3q8ryccAARv1gDIgAAAAAAAAAAuAAAAAAAAAGXWIkyCitpkfWx53lAPmulZN5tbRQ/HFwx5MOHOa25nz1xKJLMP0NP9HW3J"
    "FEHHSdcQ8rQhv3OasvFu7QXWqmEAAQh4MBJINGsOocIFaC8RtwzimipB5M7K2pePmG+cAoE7goWl7d4R5Xf+DKJ2+/sgKcgr"
    "msA3R1AscPoNifj6cPY1ZRcGIAEJYAAHCwEAASQG8QcBElMPw0vIvrlSnKKLUVjkrM7KbAxeCgHGz+y9AAA="
)


def outcome(data: bytes, limits: Limits | None = None) -> Outcome:
    return run(inspect, subject(data, "a.7z", limits))


def one(method: bytes, packed: bytes, properties: bytes = b"") -> bytes:
    return sevenzip_of([S("m.pkl", PICKLE)], chains=[Chain(((method, properties),), packed, (len(PICKLE),))])


def filtered(method: bytes, filter_: dict[str, int], inner: bytes, properties: bytes = b"") -> bytes:
    """Machine code behind a filter and LZMA: 7z lists the filter first, which runs last."""
    plain = lzma.compress(CODE, lzma.FORMAT_RAW, filters=[filter_, LZMA2_RAW])
    turned = lzma.decompress(plain, lzma.FORMAT_RAW, filters=[LZMA2_RAW])
    chain = chain_of(inner, turned)
    coders = ((method, properties), *chain.coders)
    return sevenzip_of([S("m.pkl", CODE)], chains=[Chain(coders, chain.packed, (len(CODE), len(CODE)))])


LZMA2_RAW = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}

HONEST = [
    pytest.param(sevenzip_of([S("m.pkl", PICKLE)]), [PICKLE], id="copy"),
    pytest.param(sevenzip_of([S("m.pkl", PICKLE)], method=LZMA1), [PICKLE], id="LZMA"),
    pytest.param(sevenzip_of([S("m.pkl", PICKLE)], method=LZMA2), [PICKLE], id="LZMA2"),
    pytest.param(sevenzip_of([S("m.pkl", PICKLE)], is_packed=True), [PICKLE], id="a packed directory"),
    pytest.param(
        sevenzip_of([S("a", b"1" * 9000), S("m.pkl", PICKLE), S("b", b"2")], method=LZMA2),
        [PICKLE],
        id="solid",
    ),
    pytest.param(
        sevenzip_of([S("a", b"1" * 9000)], [S("m.pkl", PICKLE)], [S("b", b"2")], method=LZMA1),
        [PICKLE],
        id="three folders",
    ),
    pytest.param(
        sevenzip_of([S("d", is_folder=True), S("d/empty"), S("m.pkl", PICKLE)]), [PICKLE], id="empty ones"
    ),
    pytest.param(
        sevenzip_of([S("d/l", b"../m.pkl", attributes=0xA1ED8000), S("m.pkl", PICKLE)]),
        [PICKLE],
        id="a link inside",
    ),
    pytest.param(one(b"\x04\x01\x08", deflate(PICKLE)), [PICKLE], id="Deflate"),
    pytest.param(one(b"\x04\x02\x02", bz2.compress(PICKLE)), [PICKLE], id="bzip2"),
    pytest.param(
        one(b"\x04\x02\x02", bz2.compress(PICKLE[:5]) + bz2.compress(PICKLE[5:])), [PICKLE], id="two bzip2"
    ),
    pytest.param(one(b"\x04\xf7\x11\x01", zstd_of(PICKLE), b"\1\5\3"), [PICKLE], id="zstd"),
    pytest.param(one(b"\x04\xf7\x11\x04", lz4_of(PICKLE), b"\1\5\3"), [PICKLE], id="lz4"),
    pytest.param(filtered(b"\x03\x03\x01\x03", {"id": lzma.FILTER_X86}, LZMA1), [CODE], id="BCJ and LZMA"),
    pytest.param(filtered(b"\x04", {"id": lzma.FILTER_X86}, LZMA2), [CODE], id="BCJ and LZMA2"),
    pytest.param(filtered(b"\x03\x03\x05\x01", {"id": lzma.FILTER_ARM}, LZMA2), [CODE], id="ARM"),
    pytest.param(filtered(b"\x05", {"id": lzma.FILTER_POWERPC}, COPY), [CODE], id="PowerPC, not packed"),
    pytest.param(
        filtered(b"\x03", {"id": lzma.FILTER_DELTA, "dist": 4}, LZMA1, b"\3"), [CODE], id="Delta and LZMA"
    ),
    pytest.param(around(b""), [], id="empty archive"),
    pytest.param(sevenzip_of([S("m.pkl", PICKLE)]) + bytes(600), [PICKLE], id="padded with zeros"),
    pytest.param(base64.b64decode(REAL_BCJ), [b"cposix\nsystem\n(S'echo'\ntR."], id="7-Zip's own, BCJ"),
]


@pytest.mark.parametrize(("data", "contents"), HONEST)
def test_honest_archives_are_quiet_and_give_their_members(data: bytes, contents: list[bytes]) -> None:
    seen = outcome(data)
    assert (seen.rules(), seen.error) == ([], None), seen.messages()
    name = "model.pkl" if "model.pkl" in dict(seen.members) else "m.pkl"
    assert seen.contents(name) == contents


@pytest.mark.parametrize("method", REAL)
def test_archives_of_seven_zip_itself_are_read(method: str) -> None:
    seen = outcome(base64.b64decode(REAL[method]))
    assert seen.contents("model.pkl") == [PICKLE]
    assert dict(seen.members)["empty"] == b""
    assert "d/link is a symbolic link to ../../etc" in seen.messages()
    assert (seen.rules(), seen.error) == (["ART-007"], None)


REFUSED = [
    pytest.param(base64.b64decode(REAL_PPMD), "PPMd", id="PPMd, as 7-Zip wrote it"),
    pytest.param(one(b"\x06\xf1\x07\x01", PICKLE, b"\x13\0"), "AES", id="AES"),
    pytest.param(one(b"\x04\x01\x09", PICKLE), "Deflate64", id="Deflate64"),
    pytest.param(one(b"\x04\xf7\x11\x02", PICKLE), "Brotli", id="Brotli"),
    pytest.param(one(b"\x0a", PICKLE), "ARM64", id="ARM64 filter"),
    pytest.param(one(b"\x77\x77", PICKLE), "method 7777", id="unknown"),
    pytest.param(one(LZMA1, PICKLE, b"\x08" + bytes(4)), "", id="LZMA of a kind the library lacks"),
]


@pytest.mark.parametrize(("data", "why"), REFUSED)
def test_what_is_not_unpacked_says_by_what(data: bytes, why: str) -> None:
    seen = outcome(data)
    refused = next(content for name, content in seen.members if name.endswith("pkl"))
    assert isinstance(refused, ScanError)
    assert why in str(refused)


def test_a_folder_that_is_not_unpacked_costs_no_other() -> None:
    chains = [chain_of(b"\x03\x04\x01", b"1" * 9, b"??"), chain_of(LZMA1, PICKLE)]
    seen = outcome(sevenzip_of([S("a", b"1" * 9)], [S("m.pkl", PICKLE)], chains=chains))
    assert isinstance(dict(seen.members)["a"], Unreadable)
    assert seen.contents("m.pkl") == [PICKLE]


def test_an_encrypted_directory_says_so() -> None:
    seen = outcome(base64.b64decode(REAL_AES))
    assert isinstance(seen.error, Unreadable)
    assert "directory" in str(seen.error.reason)
    assert "AES" in str(seen.error.reason)


CAUGHT = [
    pytest.param([S("../../x", PICKLE)], "ART-007", "..", id="climbs out"),
    pytest.param([S("/etc/x", PICKLE)], "ART-007", "absolute", id="absolute"),
    pytest.param([S("C:\\x", PICKLE)], "ART-007", "drive", id="drive letter"),
    pytest.param([S("../up", is_folder=True)], "ART-007", "..", id="a folder that climbs out"),
    pytest.param([S("l", b"/etc", attributes=0xA1ED8000)], "ART-007", "symbolic link", id="link out"),
    pytest.param([S("l", b"..\\..\\x", attributes=0x400)], "ART-007", "symbolic link", id="Windows' link"),
    pytest.param([S("x", b"1"), S("x", b"2")], "ART-017", "twice", id="one name twice"),
    pytest.param([S("x", b"1", crc=7)], "ART-017", "checksum", id="wrong checksum"),
    pytest.param([S("x", is_anti=True)], "ART-017", "anti-item", id="anti-item"),
]


@pytest.mark.parametrize(("members", "rule", "words"), CAUGHT)
@pytest.mark.parametrize("method", [COPY, LZMA2], ids=["copy", "LZMA2"])
def test_what_is_wrong_is_said(members: list[S], rule: str, words: str, method: bytes) -> None:
    seen = outcome(sevenzip_of(members, method=method))
    assert seen.rules() == [rule], seen.messages()
    assert words in seen.messages()
    assert seen.error is None


def test_bytes_behind_the_end_are_told() -> None:
    seen = outcome(sevenzip_of([S("a", b"1")]) + PICKLE)
    assert seen.rules() == ["ART-017"]
    assert "behind the archive's end" in seen.messages()


LAST = b"the first " * 50_000

BROKEN = [
    pytest.param(b"", "7z-signature", id="empty"),
    pytest.param(b"7z\xbc\xaf\x27\x1c", "7z-signature", id="a mark alone"),
    pytest.param(sevenzip_of([S("m.pkl", PICKLE)])[:-5], "7z-directory", id="cut off"),
    pytest.param(around(b"\x01\x63\0"), "7z-property", id="a property that is none"),
    pytest.param(around(b"\x01"), "7z-directory", id="a directory that ends early"),
    pytest.param(around(b"\x17\0"), "7z-directory", id="a packed directory of nothing"),
    pytest.param(around(b"\x01\x05" + number(2) + b"\x11\x03\0a\0\0\0"), "7z-names", id="a name short"),
    pytest.param(
        around(b"\x01\x05" + number(1) + b"\x11\x05\0a\0\0\0\0\0"), "7z-members", id="no content for a member"
    ),
    pytest.param(
        around(b"\x01\x04\x06" + number(0) + number(10**6) + b"\0\0\0"), "7z-count", id="a million streams"
    ),
]


@pytest.mark.parametrize(("data", "law"), BROKEN)
def test_broken_archives_name_the_law(data: bytes, law: str) -> None:
    seen = outcome(data)
    assert isinstance(seen.error, Malformed)
    assert seen.error.law == law


@pytest.mark.parametrize("which", ["start_sum", "sum_"])
def test_a_directory_whose_checksum_is_wrong_is_read_all_the_same(which: str) -> None:
    honest = sevenzip_of([S("m.pkl", PICKLE)])
    at = len(PICKLE)
    data = around(honest[32 + at :], honest[32 : 32 + at], **{which: 7})
    seen = outcome(data)
    assert seen.contents("m.pkl") == [PICKLE]
    assert isinstance(seen.error, Malformed)
    assert "checksum" in seen.error.law


def test_a_break_in_a_solid_folder_keeps_what_came_before() -> None:
    whole = PICKLE + LAST
    packed = lzma.compress(whole, lzma.FORMAT_RAW, filters=LZMA1_FILTER)
    chain = Chain(chain_of(LZMA1, whole).coders, packed[: len(packed) * 2 // 3], (len(whole),))
    seen = outcome(sevenzip_of([S("m.pkl", PICKLE), S("b", LAST)], chains=[chain]))
    assert seen.contents("m.pkl") == [PICKLE]
    later = dict(seen.members)["b"]
    assert isinstance(later, bytes)
    assert LAST.startswith(later)


def test_a_folder_shorter_than_it_says_is_told() -> None:
    chain = Chain(((LZMA2, b"\x08"),), chain_of(LZMA2, PICKLE).packed, (len(PICKLE) + 9,))
    seen = outcome(sevenzip_of([S("m.pkl", PICKLE), S("b", b"9" * 9)], chains=[chain]))
    assert seen.contents("m.pkl") == [PICKLE]
    assert isinstance(dict(seen.members)["b"], Malformed)


class TestLimits:
    def test_a_bomb_ends_at_the_ratio(self) -> None:
        limits = Limits(inflate_ratio=50, inflate_free_bytes=256 * KIB)
        data = sevenzip_of([S("a", PICKLE), S("bomb", bytes(8 * MIB))], method=LZMA1)
        assert outcome(data, limits).contents("a") == [PICKLE]
        names: list[str] = []

        def read_nothing() -> None:
            names.extend(getattr(event, "name", "") for event in inspect(subject(data, limits=limits)))

        with pytest.raises(LimitReached) as caught:
            read_nothing()
        assert caught.value.limit == "inflate_ratio"
        assert names == ["a", "bomb"]

    def test_a_member_that_claims_terabytes_costs_nothing(self) -> None:
        chain = Chain(((COPY, b""),), PICKLE, (1 << 44,))
        directory = b"\x01\x04" + streams_info([chain], 0, [[S("a", PICKLE), S("b", b"1")]]) + b"\0"
        directory += b"\x05\x02\x11\x09\0a\0\0\0b\0\0\0\0\0"
        seen = outcome(around(directory, PICKLE))
        assert seen.contents("a") == [PICKLE]
        assert isinstance(seen.error, Malformed)

    def test_a_directory_that_unpacks_to_too_much_is_a_limit(self) -> None:
        chain = Chain(chain_of(LZMA1, b"1").coders, bytes(100), (1 << 32,))
        directory = b"\x17" + streams_info([chain], 0) + b"\0"
        seen = outcome(around(directory, chain.packed))
        assert isinstance(seen.error, LimitReached)
        assert seen.error.limit == "archive_header_bytes"

    @pytest.mark.parametrize(
        "directory",
        [
            pytest.param(b"\x01\x05" + number(1 << 50), id="members"),
            pytest.param(
                b"\x01\x04"
                + streams_info([chain_of(COPY, b"1")], 0)[:-1]
                + b"\0\x08\x0d"
                + number(1 << 50)
                + b"\0\0",
                id="contents of one folder",
            ),
        ],
    )
    def test_counts_beyond_all_measure_are_a_limit(self, directory: bytes) -> None:
        seen = outcome(around(directory, b"1"))
        assert isinstance(seen.error, LimitReached)
        assert seen.error.limit == "container_members"

    def test_a_window_beyond_all_measure_is_a_limit(self) -> None:
        seen = outcome(one(LZMA2, b"\0" * 9, b"\x28"))
        assert isinstance(seen.members[0][1], LimitReached)

    def test_a_directory_packed_in_itself_ends(self) -> None:
        directory = b"\x17" + streams_info([Chain(((COPY, b""),), b"", (40,))], 0) + b"\0"
        size = len(directory)
        looped = b"\x17" + streams_info([Chain(((COPY, b""),), bytes(size), (size,))], 0) + b"\0"
        seen = outcome(around(looped))
        assert isinstance(seen.error, ScanError)


NAMES = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(NAMES, st.binary(min_size=1, max_size=200)), min_size=1, max_size=4), max_size=3
    ),
    st.sampled_from([COPY, LZMA1, LZMA2]),
    st.booleans(),
)
def test_whatever_is_packed_comes_out(
    groups: list[list[tuple[str, bytes]]], method: bytes, is_packed: bool
) -> None:
    made = [[S(name, data) for name, data in group] for group in groups]
    seen = outcome(sevenzip_of(*made, method=method, is_packed=is_packed))
    assert seen.members == [(name, data) for group in groups for name, data in group]
    assert seen.error is None


HONEST_BYTES = [
    sevenzip_of([S("a", b"1" * 999), S("m.pkl", PICKLE), S("e"), S("d", is_folder=True)], method=LZMA1),
    sevenzip_of([S("a", b"1" * 999)], [S("m.pkl", PICKLE)], method=LZMA2, is_packed=True),
    filtered(b"\x04", {"id": lzma.FILTER_X86}, LZMA1),
    one(b"\x04\x01\x08", deflate(PICKLE)),
]


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(HONEST_BYTES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=5),
    st.integers(1, 10**6),
    st.booleans(),
)
def test_no_mutation_raises_anything_else(
    data: bytes, flips: list[tuple[int, int]], cut: int, has_sums: bool
) -> None:
    limits = Limits(container_members=500, inflated_bytes=4 * MIB)
    for changed in (*mutations(data, flips), data[: cut % len(data)]):
        whole = mended(changed) if has_sums else changed
        seen = outcome(whole, limits)
        assert seen.error is None or isinstance(seen.error, ScanError)


def mended(data: bytes) -> bytes:
    """The same with checksums that hold, so that what is behind them is reached."""
    if len(data) < 32:
        return data
    out = bytearray(data)
    offset, size = int.from_bytes(out[12:20], "little"), int.from_bytes(out[20:28], "little")
    if offset + size <= len(out):
        out[28:32] = zlib.crc32(out[32 + offset : 32 + offset + size]).to_bytes(4, "little")
    out[8:12] = zlib.crc32(out[12:32]).to_bytes(4, "little")
    return bytes(out)
