"""Crafted zip archives: whatever some loader would run out of them is found, and said to be odd.

Each row is one lie. The pickle must be found by the whole examination, under a name that promises nothing,
and the evidence must say what the readers part over. References: GHSA-7q5r-7gvp-wc82, GHSA-w8jq-xcqf-f792,
CVE-2025-10156; the ways of finding directories and members are those of zipfile, miniz, Java, libarchive,
Info-ZIP, Go and 7-Zip.
"""

import bz2
import lzma
import struct
import zlib

import pytest

from sbom.model import Location
from scanner.artifacts.zip import inspect
from scanner.examine import Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence
from tests.forge_archives import Z, deflate, end_record, run, subject, zip_of
from tests.readers.test_frames import zstd_of

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
SIZE = len(PICKLE)
GOOD = Z("good.txt", b"hello")
BAD = Z("a.pkl", PICKLE)
FAKE_END = b"PK\5\6" + bytes(18)


def unicode_path(name: bytes) -> bytes:
    field = b"\1" + struct.pack("<I", zlib.crc32(b"a.txt")) + name
    return struct.pack("<2H", 0x7075, len(field)) + field


def packed(method: int, data: bytes) -> bytes:
    return zip_of(Z("a.pkl", PICKLE, method, data, sizes=(len(data), SIZE)))


def laid_out(*members: Z, between: bytes = b"", ends: bytes | None = None) -> bytes:
    """Members with bytes between them, and the directory; ``ends`` instead of the true end record."""
    body, entries = b"", b""
    for member in members:
        entries += member.central(len(body))
        body += member.local() + between
    return body + entries + (end_record(len(members), len(entries), len(body)) if ends is None else ends)


def record64(directory: bytes, offset: int) -> bytes:
    return struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(directory), offset)


def two_directories(*, first_in_64: bool) -> bytes:
    """The 64-bit record leads to one directory, the short one to another."""
    body = GOOD.local() + BAD.local()
    one, two = GOOD.central(0), BAD.central(len(GOOD.local()))
    places = [(one, len(body)), (two, len(body) + len(one))]
    (long, long_at), (short, short_at) = places if first_in_64 else reversed(places)
    out = body + one + two
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(out), 1)
    return out + record64(long, long_at) + locator + end_record(1, len(short), short_at)


def two_records64() -> bytes:
    """The locator names one 64-bit record; another stands right before it, where zipfile looks."""
    body = GOOD.local() + BAD.local()
    one, two = GOOD.central(0), BAD.central(len(GOOD.local()))
    out = body + one + two
    stated = len(out)
    out += record64(two, len(body) + len(one)) + record64(one, len(body))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, stated, 1)
    return out + locator + end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def many_ends(count: int) -> bytes:
    """The record that counts for Java has others in its comment, which lead elsewhere."""
    body = GOOD.local() + BAD.local()
    one, two = GOOD.central(0), BAD.central(len(GOOD.local()))
    others = end_record(1, len(one), len(body)) * count
    return body + one + two + end_record(1, len(two), len(body) + len(one), comment=others)


def overlapping() -> bytes:
    outer = Z("good.bin", b"1234" + BAD.local())
    body = outer.local()
    entries = outer.central(0) + BAD.central(len(body) - len(BAD.local()))
    return body + entries + end_record(2, len(entries), len(body))


def two_names() -> bytes:
    text, pickle = Z("a.txt", PICKLE), Z("a.pkl", PICKLE)
    entries = text.central(0) + pickle.central(0)
    return text.local() + entries + end_record(2, len(entries), len(text.local()))


def extra64(size: int) -> bytes:
    return struct.pack("<2HQQ", 1, 16, size, size)


def behind(content: bytes, member: Z) -> bytes:
    """A member that stands within the length of another, behind the end of its packed stream."""
    return zip_of(Z("good", content, 8, deflate(content) + member.local()))


def low_count() -> bytes:
    size = len(GOOD.central(0)) + len(BAD.central(0))
    return end_record(1, size, len(GOOD.local()) + len(BAD.local()))


HUGE = 0xFFFF_FFF0

ATTACKS = [
    # what is believed
    pytest.param(zip_of(Z("a.pkl", PICKLE, crc=0)), "checksum", id="checksum"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, flags=1)), "encrypted-flag", id="flag: encrypted"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, flags=0x41)), "encrypted-flag", id="flag: strongly encrypted"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, flags=0xFFF7)), "encrypted-flag", id="flag: all of them"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, flags=0x2000)), "", id="flag: masked headers"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, flags=0x20)), "", id="flag: patch data"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, local_flags=1)), "flags", id="flag: in one header"),
    # methods
    pytest.param(packed(12, bz2.compress(PICKLE)), "", id="bzip2"),
    pytest.param(
        packed(
            14,
            b"\x09\x04\x05\0"
            + lzma.compress(PICKLE, lzma.FORMAT_ALONE)[:5]
            + lzma.compress(PICKLE, lzma.FORMAT_ALONE)[13:],
        ),
        "",
        id="LZMA",
    ),
    pytest.param(packed(95, lzma.compress(PICKLE)), "", id="xz"),
    pytest.param(packed(93, zstd_of(PICKLE)), "", id="zstd"),
    pytest.param(packed(20, zstd_of(PICKLE)), "", id="zstd by its first number"),
    pytest.param(packed(9, deflate(PICKLE)), "", id="deflate64 that is plain deflate"),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, 8, PICKLE, local_method=0, local_sizes=(SIZE, SIZE))),
        "headers-differ",
        id="deflated, and beside it stored",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, 77, PICKLE, local_method=0)),
        "headers-differ",
        id="unknown, beside it stored",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, local_method=77)), "headers-differ", id="stored, beside it unknown"
    ),
    # lengths
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, sizes=(0, 0), local_sizes=(SIZE, SIZE))),
        "headers-differ",
        id="none, beside it all",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, sizes=(0, 0), descriptor=True)), "gap", id="none, and a descriptor"
    ),
    pytest.param(zip_of(Z("a.pkl", PICKLE, sizes=(0, 0))), "gap", id="none anywhere"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, 8, sizes=(0, 0))), "length", id="none, and a stream that goes on"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, 8, sizes=(5, SIZE))), "length", id="a stream that goes on"),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, 8, sizes=(5, SIZE), descriptor=True)),
        "length",
        id="goes on to a descriptor",
    ),
    pytest.param(zip_of(Z("a.pkl", PICKLE, 8, sizes=(500, SIZE))), "slack", id="a length past the stream"),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, 8, sizes=(len(deflate(PICKLE)), 1))), "size", id="unpacks to more than said"
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, sizes=(2**32 - 1,) * 2, extra=extra64(SIZE), local_extra=extra64(SIZE))),
        "",
        id="64-bit lengths",
    ),
    pytest.param(
        zip_of(Z("a.pkl", PICKLE, sizes=(2**32 - 1,) * 2, extra=extra64(3), local_extra=extra64(SIZE))),
        "headers-differ",
        id="64-bit lengths that differ",
    ),
    # names
    pytest.param(zip_of(Z("a.txt", PICKLE, local_name="a.pkl")), "headers-differ", id="name beside the data"),
    pytest.param(zip_of(Z("a.txt", PICKLE, extra=unicode_path(b"a.pkl"))), "unicode-path", id="Unicode path"),
    pytest.param(
        zip_of(Z("a.txt", PICKLE, local_extra=unicode_path(b"a.pkl"))),
        "unicode-path",
        id="and beside the data",
    ),
    pytest.param(zip_of(Z("a.pkl\0.txt", PICKLE)), "zero-in-name", id="zero byte"),
    pytest.param(zip_of(Z("a.txt\0.pkl", PICKLE)), "zero-in-name", id="zero byte before the suffix"),
    pytest.param(zip_of(Z("a.pkl", b"N."), BAD), "duplicate", id="one name twice"),
    pytest.param(zip_of(Z("m/data.pkl", b"N."), Z("m/DATA.pkl", PICKLE)), "alike", id="but for case"),
    pytest.param(zip_of(Z("m/data.pkl", b"N."), Z("m//data.pkl", PICKLE)), "alike", id="but for a slash"),
    pytest.param(zip_of(Z("m/data.pkl", b"N."), Z("./m/data.pkl", PICKLE)), "alike", id="but for a dot"),
    pytest.param(zip_of(Z("m/data.pkl", b"N."), Z("m\\data.pkl", PICKLE)), "alike", id="but for a backslash"),
    pytest.param(zip_of(Z("caf\u00e9", b"N."), Z("cafe\u0301", PICKLE)), "", id="but for the way to write é"),
    pytest.param(zip_of(Z("a.pkl/", PICKLE)), "", id="a folder that has bytes"),
    pytest.param(zip_of(Z("a.pkl/", PICKLE, 8)), "", id="a folder that has packed bytes"),
    pytest.param(two_names(), "headers-differ", id="two names for one header"),
    # members in no directory
    pytest.param(zip_of(GOOD, Z("a.pkl", PICKLE, listed=False)), "hidden", id="unlisted, last"),
    pytest.param(zip_of(Z("a.pkl", PICKLE, listed=False), GOOD), "hidden", id="unlisted, first"),
    pytest.param(zip_of(GOOD, Z("\1.pkl", PICKLE, listed=False)), "hidden", id="unlisted, an odd name"),
    pytest.param(
        zip_of(Z("d", listed=False, sizes=(HUGE, 5)), Z("a.pkl", PICKLE, listed=False), GOOD),
        "hidden",
        id="unlisted, behind one that claims all the rest",
    ),
    pytest.param(
        zip_of(Z("g", b"x" * 50, 8, descriptor=True), Z("a.pkl", PICKLE, 8, descriptor=True, listed=False)),
        "hidden",
        id="unlisted, behind a descriptor",
    ),
    pytest.param(behind(b"x" * 50, BAD), "slack", id="behind the end of another's stream"),
    pytest.param(behind(b"x" * 50, Z("a.pkl", PICKLE, 8)), "hidden", id="and packed"),
    pytest.param(zip_of(GOOD)[:-22] + BAD.local() + zip_of(GOOD)[-22:], "hidden", id="behind the directory"),
    pytest.param(zip_of(GOOD, suffix=BAD.local()), "hidden", id="behind the end"),
    pytest.param(zip_of(GOOD, prefix=BAD.local()), "hidden", id="before the beginning"),
    pytest.param(BAD.local() + end_record(0, 0, 0), "hidden", id="a directory of nothing"),
    pytest.param(
        BAD.local() + end_record(0, 0, len(BAD.local())), "hidden", id="a directory of nothing there"
    ),
    pytest.param(overlapping(), "overlap", id="inside another"),
    # directories and end records
    pytest.param(laid_out(GOOD, BAD, ends=low_count()), "count", id="a count too low"),
    pytest.param(
        two_directories(first_in_64=True), "directories", id="the 64-bit record leads to the good one"
    ),
    pytest.param(
        two_directories(first_in_64=False), "directories", id="the 64-bit record leads to the bad one"
    ),
    pytest.param(two_records64(), "directories", id="two 64-bit records"),
    pytest.param(zip_of(GOOD, BAD, comment=FAKE_END * 20), "hidden", id="twenty end records of nothing"),
    pytest.param(zip_of(GOOD, BAD, comment=FAKE_END * 2000), "hidden", id="two thousand of them"),
    pytest.param(many_ends(20), "", id="twenty end records of something else"),
    pytest.param(zip_of(BAD) + zip_of(GOOD), "hidden", id="two archives"),
    pytest.param(zip_of(GOOD) + zip_of(BAD), "hidden", id="two archives, the other way"),
    pytest.param(zip_of(GOOD, prefix=zip_of(BAD)), "hidden", id="two archives, offsets moved"),
    pytest.param(zip_of(GOOD, comment=zip_of(BAD)), "directories", id="an archive in the comment"),
    # bytes that belong to nothing
    pytest.param(zip_of(GOOD, comment=PICKLE), "", id="a pickle in the comment"),
    pytest.param(zip_of(GOOD, suffix=PICKLE), "suffix", id="a pickle behind"),
    pytest.param(zip_of(GOOD, prefix=PICKLE), "prefix", id="a pickle before"),
    pytest.param(laid_out(GOOD, Z("b", b"y"), between=PICKLE), "gap", id="a pickle between"),
    pytest.param(zip_of(BAD, prefix=b"\x7fELF" + bytes(9000)), "prefix", id="a program before"),
    pytest.param(zip_of(BAD, prefix=b"X" * 100, base=100), "prefix", id="bytes before that no offset counts"),
    pytest.param(zip_of(BAD, base=-7), "", id="offsets that are wrong by seven"),
    pytest.param(zip_of(BAD, suffix=bytes(70_000)), "", id="more zeros behind than anybody searches"),
    # broken ones
    pytest.param(zip_of(BAD)[:-10], "", id="no end record"),
    pytest.param(BAD.local(), "", id="no directory"),
    pytest.param(zip_of(GOOD, BAD)[:-60], "", id="half a directory"),
    # in one another
    pytest.param(zip_of(Z("i", zip_of(Z("j", zip_of(BAD), 8)), 8)), "", id="three deep"),
    pytest.param(zip_of(Z("i.png", zip_of(BAD))), "", id="behind the name of a picture"),
]


@pytest.mark.parametrize(("data", "law"), ATTACKS)
def test_whatever_some_loader_would_run_is_found(data: bytes, law: str) -> None:
    steps = list(examine(BytesSource(data), Location("x.bin"), "x.bin", Limits()))
    found = [step.item for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    assert "ART-001" in {evidence.rule for evidence in found}
    laws = {evidence.subject.partition(":")[0] for evidence in found if evidence.rule == "ART-017"}
    assert not law or law in laws


@pytest.mark.parametrize(
    ("member", "words"),
    [
        pytest.param(Z("..  /x", b"1"), "..", id="blanks that Windows drops"),
        pytest.param(Z("a.txt", b"1", extra=unicode_path(b"../../a.txt")), "another name", id="Unicode path"),
        pytest.param(Z("//server/share/x", b"1"), "absolute", id="network share"),
        pytest.param(Z("\\\\?\\C:\\x", b"1"), "absolute", id="Windows' long form"),
        pytest.param(Z("d", b"1", mode=0o020666), "device", id="character device"),
        pytest.param(Z("d", b"1", mode=0o060666), "device", id="block device"),
    ],
)
def test_names_and_modes_that_lead_out_are_told(member: Z, words: str) -> None:
    seen = run(inspect, subject(zip_of(member), "a.zip"))
    assert words in seen.messages()
    assert set(seen.rules()) & {"ART-007", "ART-017"}


def test_a_unicode_path_that_spells_the_same_name_is_quiet() -> None:
    member = Z("t\u00e9st.txt", b"1", flags=0x800, extra=unicode_path("tést.txt".encode()))
    assert run(inspect, subject(zip_of(member), "a.zip")).rules() == []
    other = Z("t?st.txt", b"1", extra=unicode_path("tést.txt".encode()))
    assert run(inspect, subject(zip_of(other), "a.zip")).rules() == []


def both_sizes(first: Z, *others: Z) -> bytes:
    """A 64-bit record, and a short one that is not saturated but says the same, as PyTorch writes."""
    body, directory = b"", b""
    for member in (first, *others):
        directory += member.central(len(body))
        body += member.local()
    count = 1 + len(others)
    out = body + directory
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), len(body))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(out), 1)
    return out + record + locator + end_record(count, len(directory), len(body))


@pytest.mark.parametrize("length", [29, 30, 31, 76])
def test_a_first_entry_as_long_as_the_64_bit_records_is_no_second_directory(length: int) -> None:
    data = both_sizes(Z("n" * length, b"1"), Z("b.txt", b"2"), Z("c.txt", b"3"))
    assert run(inspect, subject(data, "a.pt2")).rules() == []


def test_a_directory_inside_the_first_entry_is_one() -> None:
    # Its extra field holds an entry right where a reader lands that knows no 64-bit records.
    inner = BAD.central(len(GOOD.local()))
    room = 76 - 46 - len("g") - 4
    extra = struct.pack("<2H", 0x9999, room + len(inner)) + bytes(room) + inner
    first = Z("g", b"x" * len(PICKLE), extra=extra)
    seen = run(inspect, subject(both_sizes(first, Z("b.txt", b"2")), "a.pt2"))
    assert "directories" in {
        getattr(row, "subject", "").partition(":")[0]
        for row in seen.events
        if getattr(row, "rule", "") == "ART-017"
    }
