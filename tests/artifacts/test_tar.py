"""Tar archives: honest ones are quiet, and no walk through a dishonest one stays unseen."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.artifacts.tar import inspect
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Limits
from scanner.model import Evidence
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
    pytest.param(member("a/B", b"1") + member("a/b", b"2"), "ART-017", "one name", id="but for case"),
    pytest.param(
        pax(path="ok") + member("../x", b"1"), "ART-007", "for some readers", id="climbs out without pax"
    ),
    pytest.param(
        pax(path="../x") + pax(path="ok") + member("ok", b"1"),
        "ART-007",
        "for some readers",
        id="climbs out by the first of two pax headers",
    ),
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


def old_sparse(*stretches: tuple[int, int], real: int, data: bytes, goes_on: bool = False) -> bytes:
    """A member as GNU tar wrote it before pax: the map in the header, and in blocks behind it."""
    block = bytearray(header("s", len(data), b"S", magic=b"ustar  "))
    fields = [b"%011o\0" % number for pair in stretches for number in pair]
    block[386 : 386 + 12 * min(8, len(fields))] = b"".join(fields[:8])
    block[482] = goes_on
    block[483:495] = b"%011o\0" % real
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    more = b"".join(fields[8:]).ljust(512, b"\0") if goes_on else b""
    return bytes(block) + more + data + bytes(-len(data) % 512)


HOLEY = PICKLE + bytes(2000 - len(PICKLE)) + b"end"
MAP_IN_DATA = b"\n".join([b"2", b"0", b"%d" % len(PICKLE), b"2000", b"3", b""]).ljust(512, b"\0")
STRETCHES = ((0, len(PICKLE)), (2000, 3))
SPARSE = [
    pytest.param(old_sparse(*STRETCHES, real=2003, data=PICKLE + b"end"), "s", HOLEY, id="old GNU"),
    pytest.param(
        old_sparse(*((at * 9, 1) for at in range(6)), real=60, data=b"abcdef", goes_on=True),
        "s",
        b"".join(bytes([letter]) + bytes(8) for letter in b"abcdef") + bytes(6),
        id="old GNU, a map that goes on",
    ),
    pytest.param(
        pax(GNU__sparse__size="2003", GNU__sparse__map=f"0,{len(PICKLE)},2000,3")
        + member("s", PICKLE + b"end"),
        "s",
        HOLEY,
        id="pax 0.1",
    ),
    pytest.param(
        pax(
            GNU__sparse__major="1",
            GNU__sparse__minor="0",
            GNU__sparse__realsize="2003",
            GNU__sparse__name="m",
        )
        + member("s", MAP_IN_DATA + PICKLE + b"end"),
        "m",
        HOLEY,
        id="pax 1.0",
    ),
]


@pytest.mark.parametrize(("data", "name", "content"), SPARSE)
def test_sparse_members_are_read_with_their_holes(data: bytes, name: str, content: bytes) -> None:
    seen = outcome(data + member("b", b"2") + END)
    assert seen.members == [(name, content), ("b", b"2")]
    with tarfile.open(fileobj=io.BytesIO(data + END)) as archive:
        file = archive.extractfile(name)
        assert file is not None
        assert file.read() == content


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pax(GNU__sparse__map="0,9,5,9") + member("s", b"1" * 18), id="stretches that overlap"),
        pytest.param(pax(GNU__sparse__map="0,9,5") + member("s", b"1"), id="half a pair"),
        pytest.param(pax(GNU__sparse__map="0,x") + member("s", b"1"), id="no number"),
        pytest.param(pax(GNU__sparse__major="1") + member("s", b"9\n1\n"), id="a map cut short"),
    ],
)
def test_a_broken_sparse_map_costs_its_member_alone(data: bytes) -> None:
    seen = outcome(data + member("b", b"2") + END)
    assert isinstance(seen.members[0][1], Malformed)
    assert seen.members[1] == ("b", b"2")


def test_a_hole_larger_than_the_budget_costs_its_member_alone() -> None:
    huge = pax(GNU__sparse__size=str(10**18), GNU__sparse__map=f"0,{len(PICKLE)}") + member("s", PICKLE)
    seen = outcome(huge + member("b", b"2") + END)
    assert isinstance(seen.members[0][1], LimitReached)
    assert seen.members[1] == ("b", b"2")


@pytest.mark.parametrize("field", [b"0o32\0", b"+32\0", b"3_2\0", b"32 \0", b"32z\0", b"  32\0"])
def test_lengths_are_read_as_some_reader_does(field: bytes) -> None:
    data = header("a.pkl", size_field=field.ljust(12, b"\0")) + PICKLE.ljust(512, b"\0")
    assert outcome(data + END).contents("a.pkl") == [PICKLE]


def test_what_stands_behind_the_end_is_examined() -> None:
    seen = outcome(member("b", b"1") + END + PICKLE)
    assert [data for name, data in seen.members if name.startswith("bytes at")] == [PICKLE]


LINK = member("usr/bin/awk", b"", b"2", target="/etc/alternatives/awk")
LAYER = LINK + member("dev/null", b"", b"3") + member("etc/.wh.passwd") + END


@pytest.mark.parametrize(
    "path", ["image/blobs/sha256/" + "a1" * 32, "saved.tar!layer.tar", "saved.tar!0f3a/layer.tar"]
)
def test_links_in_a_layer_of_an_image_are_told_once_and_weaker(path: str) -> None:
    top, _, inner = path.partition("!")
    made = subject(LAYER, "layer")
    made.where = Location(top).inside(inner) if inner else Location(top)
    seen = run(inspect, made)
    (evidence,) = [event for event in seen.events if isinstance(event, Evidence)]
    assert evidence.rule == "ART-007"
    assert "2 links or devices of this image layer" in evidence.message
    assert dict(evidence.factors)["effect"].value == "weakens"
    assert outcome(LAYER).messages().count("extracted") == 1
    assert len([event for event in outcome(LAYER).events if isinstance(event, Evidence)]) == 2


def test_names_that_lead_out_of_a_layer_are_no_weaker() -> None:
    made = subject(member("../../x", b"1") + END, "layer.tar")
    (evidence, *_) = [event for event in run(inspect, made).events if isinstance(event, Evidence)]
    assert not evidence.factors


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
