"""Zip archives: honest ones are quiet, and no reading of a dishonest one stays unseen."""

import io
import lzma
import struct
import warnings
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.artifacts.zip import inspect
from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import KIB, MIB, Limits
from scanner.model import Member
from tests.forge_archives import Outcome, Z, deflate, end_record, mutations, run, subject, torch_like, zip_of
from tests.readers.test_frames import zstd_of

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
GARBAGE = bytes(zlib.crc32(bytes([at])) & 0xFF for at in range(200))


def outcome(data: bytes, limits: Limits | None = None) -> Outcome:
    return run(inspect, subject(data, "a.zip", limits))


def made_by_zipfile(method: int = zipfile.ZIP_DEFLATED, **names: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return file.getvalue()


def appended() -> bytes:
    file = io.BytesIO(made_by_zipfile(a=b"1"))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("b", b"2" * 1000, zipfile.ZIP_DEFLATED)
        archive.writestr("dir/", b"")
    return file.getvalue()


def streamed() -> bytes:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError(offset, whence)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", b"{}" * 500)
        archive.writestr("b.npy", bytes(5000))
    return pipe.getvalue()


HONEST = [
    pytest.param(made_by_zipfile(zipfile.ZIP_STORED, a=b"1", b=b"22"), 2, id="stored"),
    pytest.param(made_by_zipfile(zipfile.ZIP_DEFLATED, a=b"1" * 9999, b=b""), 2, id="deflated"),
    pytest.param(made_by_zipfile(zipfile.ZIP_BZIP2, a=b"1" * 9999, b=b"2"), 2, id="bzip2"),
    pytest.param(made_by_zipfile(zipfile.ZIP_LZMA, a=b"1" * 9999, b=b"2"), 2, id="lzma"),
    pytest.param(made_by_zipfile(), 0, id="empty archive"),
    pytest.param(appended(), 2, id="appended to, with a folder"),
    pytest.param(streamed(), 2, id="written to a pipe, with descriptors"),
    pytest.param(torch_like(), 6, id="PyTorch"),
    pytest.param(torch_like(crc=0), 6, id="PyTorch without checksums"),
    pytest.param(zip_of(Z("a", b"x"), Z("b", b"y"), zip64=True), 2, id="64-bit end record"),
    pytest.param(zip_of(Z("a", b"x"), comment=b"made by hand"), 1, id="comment"),
    pytest.param(zip_of(Z("a", b"x"), prefix=b"#!/usr/bin/env python3\n"), 1, id="zipapp"),
    pytest.param(
        zip_of(Z("__main__.py", b"x"), prefix=b"#!/bin/python\n", base=14), 1, id="zipapp, offsets not moved"
    ),
    pytest.param(zip_of(Z("inner.zip", zip_of(Z("a", b"x"), Z("b", b"y")))), 1, id="a zip stored in a zip"),
    pytest.param(zip_of(Z("inner.zip", torch_like())), 1, id="a PyTorch zip stored in a zip"),
    pytest.param(zip_of(Z("dir\\a.txt", b"x", made_by=0)), 1, id="backslashes of old tools"),
    pytest.param(zip_of(Z("a..b/..c", b"x"), Z("...", b"y")), 2, id="dots that are part of names"),
    pytest.param(
        zip_of(Z("Versions/A/x", b"x"), Z("Versions/Current", b"A", mode=0o120755)), 2, id="a link inside"
    ),
    pytest.param(zip_of(Z("f/link", b"../a", mode=0o120755), Z("a", b"x")), 2, id="a link up and inside"),
    pytest.param(zip_of(Z("é.txt", b"x", flags=0x800)), 1, id="UTF-8 name"),
    pytest.param(zip_of(Z("zeros", bytes(20 * MIB), method=8)), 1, id="twenty megabytes of zeros"),
    pytest.param(zip_of(Z("a", b"x")) + bytes(512), 1, id="padded with zeros"),
]


@pytest.mark.parametrize(("data", "count"), HONEST)
def test_honest_archives_are_quiet(data: bytes, count: int) -> None:
    seen = outcome(data)
    assert (seen.rules(), seen.error) == ([], None), seen.messages()
    assert len(seen.members) == count


def test_members_hold_their_content() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        seen = outcome(made_by_zipfile(method, a=b"1" * 9999, b=b"2"))
        assert seen.members == [("a", b"1" * 9999), ("b", b"2")]
    for method, packed in ((93, zstd_of(PICKLE)), (20, zstd_of(PICKLE)), (95, lzma.compress(PICKLE))):
        member = Z("a.pkl", PICKLE, method, packed, sizes=(len(packed), len(PICKLE)))
        assert outcome(zip_of(member)).members == [("a.pkl", PICKLE)]
    assert outcome(torch_like(PICKLE)).contents("archive/data.pkl") == [PICKLE]


CAUGHT = [
    pytest.param(zip_of(Z("../../etc/x", b"1")), "ART-007", "..", id="climbs out"),
    pytest.param(zip_of(Z("a/../../x", b"1")), "ART-007", "..", id="climbs out from inside"),
    pytest.param(zip_of(Z("/etc/passwd", b"1")), "ART-007", "absolute", id="absolute"),
    pytest.param(zip_of(Z("C:\\evil.txt", b"1")), "ART-007", "drive", id="drive letter"),
    pytest.param(zip_of(Z("..\\..\\x", b"1")), "ART-007", "..", id="climbs out with backslashes"),
    pytest.param(zip_of(Z("\\\\host\\share", b"1")), "ART-007", "absolute", id="network share"),
    pytest.param(zip_of(Z("../up/", b"")), "ART-007", "..", id="a folder that climbs out"),
    pytest.param(zip_of(Z("l", b"/etc", mode=0o120777)), "ART-007", "symbolic link", id="link out"),
    pytest.param(
        zip_of(Z("d/l", b"../../x", mode=0o120777, method=8)),
        "ART-007",
        "symbolic link",
        id="link out, packed",
    ),
    pytest.param(
        zip_of(Z("a", b".", mode=0o120777), Z("a/b", b"..", mode=0o120777)),
        "ART-007",
        "symbolic link",
        id="two links that lead out together",
    ),
    pytest.param(
        zip_of(Z("a/l", b"..", mode=0o120777), Z("a/l/../x", b"1")),
        "ART-007",
        "..",
        id="a name through a link",
    ),
    pytest.param(zip_of(Z("x", b"1"), Z("x", b"2")), "ART-017", "twice", id="one name twice"),
    pytest.param(zip_of(Z("x", b"1"), prefix=PICKLE), "ART-017", "before the archive", id="prefix"),
    pytest.param(
        zip_of(Z("x", b"1"), prefix=PICKLE, base=len(PICKLE)),
        "ART-017",
        "before the archive",
        id="prefix, glued",
    ),
    pytest.param(zip_of(Z("x", b"1"), suffix=PICKLE), "ART-017", "behind the archive", id="suffix"),
    pytest.param(
        zip_of(Z("x", method=8, packed=b"\3\0", sizes=(2, 2**31))),
        "ART-017",
        "unpacks to 0",
        id="size that lies",
    ),
]


@pytest.mark.parametrize(("data", "rule", "words"), CAUGHT)
def test_what_is_wrong_is_said(data: bytes, rule: str, words: str) -> None:
    seen = outcome(data)
    assert seen.rules() == [rule], seen.messages()
    assert words in seen.messages()
    assert seen.error is None


EVASIONS = [
    # A scanner that checks what the loader does not: CVE-2025-10156 and its kin.
    pytest.param(zip_of(Z("a.pkl", PICKLE, crc=1)), "a.pkl", "checksum", id="wrong checksum"),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, method=8, crc=1)), "a.pkl", "checksum", id="wrong checksum, packed"
    ),
    # GHSA-7q5r-7gvp-wc82: flag bits that make a strict reader refuse.
    pytest.param(zip_of(Z("a.pkl", PICKLE, flags=1)), "a.pkl", "encrypted", id="encryption flag"),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, method=8, flags=1)), "a.pkl", "encrypted", id="encryption flag, packed"
    ),
    pytest.param(zip_of(Z("a.pkl", PICKLE, local_flags=1)), "a.pkl", "encrypted", id="one encryption flag"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, local_flags=0x20)), "a.pkl", "", id="patch flag in one header"),
    # GHSA-w8jq-xcqf-f792: names that differ.
    pytest.param(
        zip_of(Z("a.txt", PICKLE, local_name="a.pkl")), "a.pkl", "otherwise", id="the name beside the data"
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, local_name="a.txt")), "a.pkl", "otherwise", id="the name in the directory"
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, local_method=8)), "a.pkl", "method 8", id="stored, and beside it deflated"
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, method=8, packed=PICKLE, local_method=0, local_sizes=(len(PICKLE),) * 2)),
        "a.pkl",
        "method 0",
        id="deflated, and beside it stored",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, sizes=(3, 3), local_sizes=(len(PICKLE),) * 2)),
        "a.pkl",
        "bytes for",
        id="a length beside the data",
    ),
    pytest.param(
        zip_of(Z("b", b"1"), Z("a.pkl", PICKLE, listed=False)), "a.pkl", "no directory", id="not listed"
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, listed=False, descriptor=True), Z("b", b"1")),
        "a.pkl",
        "no directory",
        id="not listed, length unknown",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, method=8, listed=False, descriptor=True), Z("b", b"1")),
        "a.pkl",
        "no directory",
        id="not listed, packed, length unknown",
    ),
    pytest.param(
        zip_of(Z("b", Z("x", b"").local() + Z("a.pkl", PICKLE).local(), local_sizes=(31, 31))),
        "a.pkl",
        "no directory",
        id="inside the data of another by the header beside it",
    ),
    pytest.param(zip_of(Z("a.pkl\0.txt", PICKLE)), "a.pkl", "zero byte", id="a zero byte in the name"),
    pytest.param(zip_of(Z("a.pkl/", PICKLE)), "a.pkl/", "", id="a folder that has bytes"),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, method=8, sizes=(len(deflate(PICKLE)), 3))),
        "a.pkl",
        "unpacks to",
        id="cut short",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, sizes=(3, len(PICKLE)))), "a.pkl", "", id="stored, lengths differ"
    ),
]


@pytest.mark.parametrize(("data", "name", "words"), EVASIONS)
def test_whatever_some_loader_would_read_is_given(data: bytes, name: str, words: str) -> None:
    seen = outcome(data)
    contents = seen.contents(name)
    assert any(content.startswith(PICKLE) for content in contents), seen.members
    assert words in seen.messages()
    if words:
        assert "ART-017" in seen.rules()


def two_directories() -> bytes:
    """The record's offset leads to one directory, its size, counted back from the record, to another."""
    good, bad = Z("good.txt", b"1"), Z("a.pkl", PICKLE)
    body = good.local() + bad.local()
    first = bad.central(len(good.local()))
    second = good.central(0)
    first_at = len(body)
    return body + first + second + end_record(1, len(second), first_at)


def record_in_the_comment() -> bytes:
    """The last end record stands in the comment of the one before; each has its own directory."""
    hidden = Z("a.pkl", PICKLE)
    shown = Z("good.txt", b"1")
    body = hidden.local() + shown.local()
    one, two = shown.central(len(hidden.local())), hidden.central(0)
    inner = end_record(1, len(two), len(body) + len(one))
    outer = end_record(1, len(one), len(body), comment=inner)
    return body + one + two + outer


@pytest.mark.parametrize("data", [two_directories(), record_in_the_comment()], ids=["two places", "comment"])
def test_two_directories_are_both_read(data: bytes) -> None:
    seen = outcome(data)
    assert {name for name, _ in seen.members} == {"good.txt", "a.pkl"}
    assert "two directories" in seen.messages()


BROKEN = [
    pytest.param(zip_of(Z("a", b"x"), Z("b", b"y"))[:-30], "zip-end-record", ["a", "b"], id="no end record"),
    pytest.param(torch_like()[:200], "zip-end-record", ["archive/data.pkl"], id="cut in the data"),
    pytest.param(b"", "zip-end-record", [], id="empty"),
    pytest.param(b"PK\3\4", "zip-end-record", [], id="a mark alone"),
    pytest.param(b"PK\5\6" + bytes(7), "zip-end-record", [], id="an end record cut short"),
    pytest.param(
        zip_of(Z("a", b"x"), Z("b", b"y")).replace(b"PK\3\4", b"PK\3\5", 1),
        "zip-member-header",
        ["b"],
        id="header",
    ),
    pytest.param(zip_of(Z("a", b"x", sizes=(999, 999))), "zip-member-data", ["a"], id="data past the end"),
    pytest.param(zip_of(Z("a", method=8, packed=b"\7\7\7", sizes=(3, 10))), "", ["a"], id="broken deflate"),
]


@pytest.mark.parametrize(("data", "law", "names"), BROKEN)
def test_broken_archives_name_the_law_and_keep_the_rest(data: bytes, law: str, names: list[str]) -> None:
    seen = outcome(data)
    assert [name for name, _ in seen.members][: len(names)] == names
    if law:
        assert isinstance(seen.error, Malformed)
        assert seen.error.law == law
    else:
        assert isinstance(seen.members[0][1], Malformed)


@pytest.mark.parametrize(
    ("member", "why"),
    [
        pytest.param(Z("a", packed=b"x" * 50, method=98, sizes=(50, 60)), "ppmd", id="ppmd"),
        pytest.param(Z("a", packed=b"x" * 50, method=9, sizes=(50, 60)), "deflate64", id="deflate64"),
        pytest.param(Z("a", packed=b"x" * 50, method=77, sizes=(50, 60)), "unknown", id="unknown"),
        pytest.param(Z("a", packed=bytes(72), flags=1, sizes=(72, 60)), "encrypted", id="encrypted"),
        pytest.param(
            Z("a", packed=GARBAGE, method=8, flags=1, sizes=(200, 600)), "encrypted", id="and deflated"
        ),
        pytest.param(Z("a", packed=GARBAGE, method=99, flags=1, sizes=(200, 600)), "encrypted", id="AES"),
    ],
)
def test_what_is_not_unpacked_says_so_and_spares_the_rest(member: Z, why: str) -> None:
    seen = outcome(zip_of(member, Z("b", b"y")))
    refused = seen.members[0][1]
    assert isinstance(refused, Unreadable)
    assert why in str(refused)
    assert seen.members[1] == ("b", b"y")


class TestLimits:
    def test_a_bomb_costs_no_other_member(self) -> None:
        limits = Limits(inflate_ratio=100, inflate_free_bytes=64 * KIB)
        seen = outcome(zip_of(Z("bomb", bytes(MIB), method=8), Z("b", b"y" * 50, method=8)), limits)
        assert seen.contents("b") == [b"y" * 50]

    def test_a_bomb_that_nobody_reads_is_raised_at_the_end(self) -> None:
        limits = Limits(inflate_ratio=100, inflate_free_bytes=64 * KIB)
        data = zip_of(Z("bomb", bytes(MIB), method=8), Z("b", b"y"))
        names: list[str] = []

        def read_no_further_than_the_size() -> None:
            for event in inspect(subject(data, limits=limits)):
                assert isinstance(event, Member)
                names.append(event.name)
                assert event.source.size <= MIB

        with pytest.raises(LimitReached) as caught:
            read_no_further_than_the_size()
        assert caught.value.limit == "inflate_ratio"
        assert names == ["bomb", "b"]

    def test_when_all_bytes_are_spent_only_stored_members_are_read(self) -> None:
        packed = [Z(f"{at}", bytes(100_000), method=8) for at in range(50)]
        seen = outcome(zip_of(*packed, Z("a.pkl", PICKLE)), Limits(inflated_bytes=MIB))
        assert seen.contents("a.pkl") == [PICKLE]
        assert len(seen.members) == 12
        assert isinstance(seen.error, LimitReached)
        assert seen.error.limit == "inflated_bytes"

    def test_a_claim_of_a_bomb_is_evidence_though_nobody_inflates_it(self) -> None:
        packed = deflate(bytes(MIB))
        data = zip_of(Z("bomb", method=8, packed=packed, sizes=(len(packed), 2**31)))
        rules = [getattr(event, "rule", "") for event in inspect(subject(data))]
        assert rules == ["", "ART-006"]

    def test_too_many_members_end_the_reading(self) -> None:
        data = zip_of(*(Z(f"{number}", b"x") for number in range(20)))
        seen = outcome(data, Limits(container_members=10))
        assert len(seen.members) == 10
        assert isinstance(seen.error, LimitReached)
        assert seen.error.limit == "container_members"

    def test_members_that_share_their_bytes_are_told(self) -> None:
        kernel = Z("kernel", deflate(bytes(1000)))
        body = kernel.local()
        entries = [kernel.central(0)] + [Z(f"n{at}", deflate(bytes(1000))).central(0) for at in range(5)]
        data = body + b"".join(entries) + end_record(6, sum(map(len, entries)), len(body))
        seen = outcome(data)
        assert "share bytes" in seen.messages()
        assert "ART-017" in seen.rules()

    def test_stored_members_that_share_their_bytes_spend_the_budget(self) -> None:
        kernel = Z("kernel", bytes(range(256)) * 400)
        entries = [Z(f"n{at}", kernel.data).central(0) for at in range(50)]
        data = (
            kernel.local() + b"".join(entries) + end_record(50, sum(map(len, entries)), len(kernel.local()))
        )
        seen = outcome(data, Limits(inflated_bytes=MIB))
        assert isinstance(seen.error, LimitReached)
        assert 10 <= len(seen.members) < 30

    def test_opening_reads_nothing_of_what_is_stored(self) -> None:
        source = CountingSource(zip_of(Z("big", bytes(32 * MIB)), Z("b", b"y")))
        made = subject(b"", limits=Limits())
        made.source = source
        for event in inspect(made):
            assert isinstance(event, Member)
            assert event.source.read_at(0, 10)
        assert source.read < MIB


class CountingSource:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.read = 0

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        data = self._data[offset : offset + length]
        self.read += len(data)
        return data


def test_the_same_members_as_zipfile_finds() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for parameters in HONEST:
            data = parameters.values[0]
            assert isinstance(data, bytes)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                names = [info.orig_filename for info in archive.infolist() if not info.is_dir()]
            assert [name for name, _ in outcome(data).members] == names


HONEST_BYTES = [
    made_by_zipfile(zipfile.ZIP_DEFLATED, a=b"1" * 999, b=PICKLE),
    streamed(),
    torch_like(),
    zip_of(Z("a", b"x"), Z("l", b"a", mode=0o120777), zip64=True, comment=b"c"),
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(HONEST_BYTES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=5),
    st.integers(1, 10**6),
)
def test_no_mutation_raises_anything_else(data: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    limits = Limits(container_members=500, inflated_bytes=4 * MIB)
    for changed in (*mutations(data, flips), data[: cut % len(data)]):
        seen = outcome(changed, limits)
        assert seen.error is None or isinstance(seen.error, ScanError)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", bytes(20)]) | st.binary()
    )
)
def test_random_bytes_end_in_an_outcome(parts: list[bytes]) -> None:
    seen = outcome(b"".join(parts), Limits(container_members=500))
    assert seen.error is None or isinstance(seen.error, ScanError)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_headers_with_arbitrary_fields_end_in_an_outcome(data: st.DataObject) -> None:
    content = bytearray(torch_like())
    for _ in range(data.draw(st.integers(1, 4))):
        mark = data.draw(
            st.sampled_from([b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08"])
        )
        at = content.find(mark)
        field = data.draw(st.integers(4, 50))
        value = data.draw(st.sampled_from([0, 1, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, len(content)]))
        content[at + field : at + field + 4] = struct.pack("<I", value)
    seen = outcome(bytes(content), Limits(container_members=500, inflated_bytes=4 * MIB))
    assert seen.error is None or isinstance(seen.error, ScanError)
