"""Tar archives: honest ones are quiet, and no walk through a dishonest one stays unseen."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.artifacts.tar import inspect
from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import Limits
from tests.forge_archives import Outcome, mutations, run, subject

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
END = bytes(1024)


def outcome(data: bytes, limits: Limits | None = None) -> Outcome:
    return run(inspect, subject(data, "a.tar", limits))


def header(
    name: str,
    size: int = 0,
    kind: bytes = b"0",
    target: str = "",
    *,
    magic: bytes = b"ustar\x0000",
    prefix: str = "",
    off_by: int = 0,
    size_field: bytes | None = None,
) -> bytes:
    """One block; the checksum is right unless ``off_by`` says how wrong it is."""
    block = bytearray(512)
    block[0:100] = name.encode("utf-8", "surrogateescape")[:100].ljust(100, b"\0")
    block[100:124] = b"0000644\0" + b"0000000\0" * 2
    block[124:136] = size_field or b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[157:257] = target.encode()[:100].ljust(100, b"\0")
    block[257:265] = magic.ljust(8, b"\0")
    block[345:500] = prefix.encode().ljust(155, b"\0")
    block[148:156] = b"%06o\0 " % (sum(block) + off_by)
    return bytes(block)


def member(name: str, data: bytes = b"", kind: bytes = b"0", **options: object) -> bytes:
    return header(name, len(data), kind, **options) + data + bytes(-len(data) % 512)  # type: ignore[arg-type]


def pax(kind: bytes = b"x", **records: str) -> bytes:
    parts = []
    for key, value in records.items():
        rest = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        parts.append(str(length).encode() + rest)
    return member("pax", b"".join(parts), kind)


def made_by_tarfile(format_: int, names: dict[str, bytes], *, compression: str = "") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{compression}", format=format_) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("folder/link")
        link.type, link.linkname = tarfile.SYMTYPE, "../a"
        archive.addfile(link)
        hard = tarfile.TarInfo("hard")
        hard.type, hard.linkname = tarfile.LNKTYPE, next(iter(names))
        archive.addfile(hard)
    return file.getvalue()


NAMES = {
    "a": b"1" * 700,
    "folder/b.pkl": b"",
    "x" * 150 + "/" + "y" * 90: b"long",
    "é": b"2" * 512,
    "./c": b"3",
}
FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


@pytest.mark.parametrize("format_", FORMATS, ids=["ustar", "gnu", "pax"])
def test_honest_archives_are_quiet_and_whole(format_: int) -> None:
    names = dict(NAMES)
    seen = outcome(made_by_tarfile(format_, names))
    assert (seen.rules(), seen.error) == ([], None), seen.messages()
    assert dict(seen.members) == names


HONEST = [
    pytest.param(END, [], id="empty"),
    pytest.param(member("a", b"x", magic=b"") + END, ["a"], id="seventh edition, no mark"),
    pytest.param(member("a", b"x"), ["a"], id="no empty blocks at the end"),
    pytest.param(member("a", b"x") + bytes(512) * 20, ["a"], id="padded to a record"),
    pytest.param(member("a", b"x", prefix="long/way") + END, ["long/way/a"], id="prefix"),
    pytest.param(member("a", b"x", b"\0") + member("d/", b"", b"\0") + END, ["a"], id="old types"),
    pytest.param(
        member("a", b"x") + header("h", 1, b"1", "a") + member("b", b"y") + END, ["a", "b"], id="hard link"
    ),
    pytest.param(pax(path="é", mtime="1.5") + member("e", b"x") + END, ["é"], id="pax path"),
    pytest.param(
        pax(b"g", comment="commit") + member("e", b"x") + END, ["e"], id="global header, as git writes"
    ),
    pytest.param(pax(size="3") + member("e", b"xyz") + END, ["e"], id="pax size that agrees"),
    pytest.param(
        member("n", b"other/name\0", b"L") + member("e", b"x") + END, ["other/name"], id="long name"
    ),
    pytest.param(
        header("a", 0, size_field=b"\x80" + (5).to_bytes(11)) + b"12345".ljust(512, b"\0") + END,
        ["a"],
        id="256-based",
    ),
    pytest.param(member("inner.tar", member("a", b"x") + END) + END, ["inner.tar"], id="a tar in a tar"),
    pytest.param(
        member("l", b"", b"2", target="b/c") + member("b/c", b"x") + END, ["b/c"], id="a link inside"
    ),
]


@pytest.mark.parametrize(("data", "names"), HONEST)
def test_hand_made_honest_archives_are_quiet(data: bytes, names: list[str]) -> None:
    seen = outcome(data)
    assert (seen.rules(), seen.error) == ([], None), seen.messages()
    assert [name for name, _ in seen.members] == names
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [info.name for info in archive if info.isfile()] == names


CAUGHT = [
    pytest.param(member("../x", b"1"), "ART-007", "..", id="climbs out"),
    pytest.param(member("/etc/passwd", b"1"), "ART-007", "absolute", id="absolute"),
    pytest.param(pax(path="../x") + member("ok", b"1"), "ART-007", "..", id="climbs out by pax"),
    pytest.param(
        member("n", b"../x\0", b"L") + member("ok", b"1"), "ART-007", "..", id="climbs out by a long name"
    ),
    pytest.param(member("l", b"", b"2", target="/etc"), "ART-007", "symbolic link", id="link out"),
    pytest.param(member("l", b"", b"2", target="../.."), "ART-007", "symbolic link", id="link up and out"),
    pytest.param(
        pax(linkpath="/etc") + member("l", b"", b"2", target="ok"), "ART-007", "link", id="link by pax"
    ),
    pytest.param(member("l", b"", b"1", target="../../x"), "ART-007", "hard link", id="hard link out"),
    pytest.param(
        member("d", b"", b"2", target=".") + member("d/e", b"", b"2", target=".."),
        "ART-007",
        "link",
        id="two links",
    ),
    pytest.param(member("n", b"", b"4"), "ART-007", "block device", id="block device"),
    pytest.param(member("n", b"", b"3"), "ART-007", "character device", id="character device"),
    pytest.param(member("a", b"1") + member("a", b"2"), "ART-017", "twice", id="one name twice"),
]


@pytest.mark.parametrize(("data", "rule", "words"), CAUGHT)
def test_what_is_wrong_is_said(data: bytes, rule: str, words: str) -> None:
    seen = outcome(data + END)
    assert seen.rules() == [rule], seen.messages()
    assert words in seen.messages()


HIDDEN = member("a.pkl", PICKLE)
EVASIONS = [
    pytest.param(member("b", b"1") + END + HIDDEN + END, True, id="behind the end"),
    pytest.param(member("b", b"1") + bytes(512) + HIDDEN + END, True, id="behind one empty block"),
    # CVE-2025-62518 and its kin: two headers, two lengths, two walks.
    pytest.param(pax(size="1024") + header("b", 0) + HIDDEN + END, True, id="by the header's length"),
    pytest.param(
        pax(size="0") + header("b", 1024) + HIDDEN + END, True, id="by the extended header's length"
    ),
    pytest.param(header("d/", 1024, b"5") + HIDDEN + END, False, id="data of a folder, skipped by some"),
    pytest.param(
        header("d/", 1024, b"5") + member("c", b"1") + HIDDEN + END,
        False,
        id="data of a folder, skipped by others",
    ),
    pytest.param(header("l", 512, b"2", "a") + b"?" * 512 + HIDDEN + END, False, id="data of a link"),
    pytest.param(member("a.pkl", PICKLE, b"7"), False, id="contiguous file"),
    pytest.param(member("a.pkl", PICKLE, b"Z"), False, id="unknown type is a file"),
]


@pytest.mark.parametrize(("data", "is_told"), EVASIONS)
def test_whatever_some_reader_meets_is_given(data: bytes, is_told: bool) -> None:
    seen = outcome(data)
    assert PICKLE in seen.contents("a.pkl"), seen.members
    assert ("ART-017" in seen.rules()) is is_told


BROKEN = [
    pytest.param(b"", "", [], id="empty"),
    pytest.param(b"x" * 100, "tar-header-length", [], id="less than a block"),
    pytest.param(b"x" * 600, "tar-header", [], id="no header"),
    pytest.param(member("a", b"x", off_by=1) + END, "tar-header", [], id="checksum"),
    pytest.param(member("a", b"x" * 99)[:512] + b"short", "tar-member-data", ["a"], id="cut in the data"),
    pytest.param(
        member("b", b"y") + member("c", b"x", off_by=1) + HIDDEN + END,
        "tar-header",
        ["b", "a.pkl"],
        id="and goes on",
    ),
    pytest.param(member("a", b"9 path=", b"x") + member("b", b"1"), "tar-record", ["b"], id="pax record"),
    pytest.param(
        member("a", b"999999 path=x\n", b"x") + member("b", b"1"), "tar-record", ["b"], id="pax length"
    ),
    pytest.param(
        header("a", 2**40, size_field=b"\x80" + (2**80).to_bytes(11)), "tar-member-data", ["a"], id="huge"
    ),
    pytest.param(header("a", 0, size_field=b"\xff" * 12), "tar-header", [], id="negative"),
]


@pytest.mark.parametrize(("data", "law", "names"), BROKEN)
def test_broken_archives_name_the_law_and_keep_the_rest(data: bytes, law: str, names: list[str]) -> None:
    seen = outcome(data)
    assert [name for name, _ in seen.members] == names
    if law:
        assert isinstance(seen.error, Malformed)
        assert seen.error.law == law


def test_sparse_members_say_that_they_are_not_read() -> None:
    for data in (
        member("s", b"1", b"S"),
        pax(GNU__sparse__major="1", GNU__sparse__minor="0") + member("s", b"1"),
    ):
        seen = outcome(data + member("b", b"2") + END)
        assert isinstance(seen.members[0][1], Unreadable)
        assert seen.members[1] == ("b", b"2")


def test_limits_end_the_reading_and_keep_what_was_found() -> None:
    many = outcome(b"".join(member(f"{at}", b"x") for at in range(20)), Limits(container_members=5))
    assert len(many.members) == 5
    assert isinstance(many.error, LimitReached)
    long = outcome(member("n", b"x" * 3000, b"L") + member("b", b"1") + END, Limits(member_header_bytes=2000))
    assert isinstance(long.error, LimitReached)
    assert [name for name, _ in long.members] == ["b"]


def test_many_second_walks_stay_linear() -> None:
    # Each member gives a second length, which leads to a header before an empty block of its own.
    parts = [pax(size="512") + header("m", 1024) + bytes(512) + member("n") + bytes(512) for _ in range(1500)]
    seen = outcome(b"".join(parts) + bytes(1 << 22))
    assert len(seen.members) >= 1500


HONEST_BYTES = [made_by_tarfile(format_, NAMES) for format_ in FORMATS]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(HONEST_BYTES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=5),
    st.integers(1, 10**6),
)
def test_no_mutation_raises_anything_else(data: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    for changed in (*mutations(data, flips), data[: cut % len(data)]):
        seen = outcome(changed)
        assert seen.error is None or isinstance(seen.error, ScanError)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=600) | st.builds(header, st.text(max_size=9), st.integers(0, 2000), st.binary())
    )
)
def test_random_bytes_end_in_an_outcome(parts: list[bytes]) -> None:
    seen = outcome(b"".join(parts))
    assert seen.error is None or isinstance(seen.error, ScanError)
