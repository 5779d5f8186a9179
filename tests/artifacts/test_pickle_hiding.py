"""No beginning hides a pickle: whatever a file is called, and however long what stands first in it."""

import io
import pickle as real_pickle
import tarfile
from pathlib import Path

import pytest

from sbom.model import Location
from scanner.artifacts import pickle
from scanner.examine import reading
from scanner.examine.steps import Found
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence
from scanner.registry import HEAD, claims
from tests.forge import call, name, stream, text, u32, u64

FAR = 3 * HEAD
WORDS = b"all work and no play " * (FAR // 21)
RUNS = b"cos\nsystem\n(S'id'\ntR."
NEW = name("os", "system") + text("id") + b"\x85R."

HIDING = [
    pytest.param(b"V" + WORDS + b"\n0" + RUNS, id="a text line"),
    pytest.param(b"S'" + WORDS + b"'\n0" + RUNS, id="a quoted line"),
    pytest.param(b"I0x" + b"1" * FAR + b"\n0" + RUNS, id="a whole number"),
    pytest.param(b"I" + b" " * FAR + b"1\n0" + RUNS, id="a whole number behind blanks"),
    pytest.param(b"L0x" + b"1" * FAR + b"L\n0" + RUNS, id="a long number"),
    pytest.param(b"F1." + b"0" * FAR + b"\n0" + RUNS, id="a float"),
    pytest.param(b"F1.5\n0" + RUNS, id="a short float"),
    pytest.param(b"X" + u32(len(WORDS)) + WORDS + b"0" + RUNS, id="BINUNICODE"),
    pytest.param(b"T" + u32(len(WORDS)) + WORDS + b"0" + RUNS, id="BINSTRING"),
    pytest.param(b"B" + u32(len(WORDS)) + WORDS + b"0" + RUNS, id="BINBYTES"),
    pytest.param(b"\x8d" + u64(len(WORDS)) + WORDS + b"0" + RUNS, id="BINUNICODE8"),
    pytest.param(b"\x8e" + u64(len(WORDS)) + WORDS + b"0" + RUNS, id="BINBYTES8"),
    pytest.param(b"\x96" + u64(len(WORDS)) + WORDS + b"0" + RUNS, id="BYTEARRAY8"),
    pytest.param(b"\x8b" + u32(len(WORDS)) + WORDS + b"0" + RUNS, id="LONG4"),
    pytest.param(b"\x8f0" + RUNS, id="an empty set"),
    pytest.param(b"X" + u32(300_000) + b"\0" * 300_000 + b"0" + RUNS, id="a text longer than a window"),
    pytest.param(b"X" + u32(HEAD - 5) + b"a" * (HEAD - 5) + b"0" + RUNS, id="a text that ends with the head"),
    pytest.param(
        b"X" + u32(HEAD - 6) + b"a" * (HEAD - 6) + b"0" + RUNS, id="a text, and a POP ends the head"
    ),
    pytest.param((b"V" + WORDS + b"\n0") * 20 + RUNS, id="twenty lines"),
    pytest.param((b"X" + u32(len(WORDS)) + WORDS + b"0") * 30 + RUNS, id="thirty texts"),
    pytest.param(b"(V" + WORDS + b"\n1" + RUNS, id="a line above a mark"),
    pytest.param(b"(" * FAR + b"1" * FAR + RUNS, id="marks and no end"),
    pytest.param(b"N0" * FAR + RUNS, id="NONE and POP, over and over"),
    pytest.param(b"]" * FAR + RUNS, id="lists"),
    pytest.param(b")" * FAR + b"0" * FAR + RUNS, id="empty tuples"),
    pytest.param(b"N." * 5000 + RUNS, id="whole pickles of nothing"),
    pytest.param(b"(lp0\n." + b"V" + WORDS + b"\n." + RUNS, id="in the third pickle"),
    pytest.param(b"V" + WORDS + b"\n." + stream(call("os.system", "id")), id="a second pickle with PROTO"),
    pytest.param(
        b"\x95" + u64(2 * FAR) + b"V" + WORDS + b"\n0" + RUNS.ljust(2 * FAR, b"N"), id="a long frame"
    ),
    pytest.param(b"N0\x95" + u64(5) + b"N0N0N" + b"0V" + WORDS + b"\n0" + RUNS, id="behind a frame"),
    pytest.param(b"V" + WORDS + b"\np0\n0" + NEW, id="STACK_GLOBAL without PROTO"),
    pytest.param(b"Vos\np0\n0V" + WORDS + b"\n0g0\nVsystem\n\x93(Vid\ntR.", id="names on both sides"),
    pytest.param(b"(V" + WORDS + b"\nios\nsystem\n.", id="INST of a long text"),
    pytest.param(b"(cos\nsystem\nV" + WORDS + b"\no.", id="OBJ of a long text"),
    pytest.param(b"P" + b"x" * FAR + b"\n0" + RUNS, id="a persistent id"),
    pytest.param(b"V" + WORDS + b"\nQ0" + RUNS, id="a long persistent id"),
    pytest.param(b"PCBA-1030\n" * HEAD + RUNS, id="a list of persistent ids"),
    pytest.param(b"PCBA-1030\n" * 128 + RUNS, id="a short list of persistent ids"),
    pytest.param(
        b"I0x" + b"1" * FAR + b"\n0V" + WORDS + b"\n0S'" + WORDS + b"'\n0" + RUNS, id="kinds of lines"
    ),
    pytest.param(b"(V" + WORDS + b"\nV" + WORDS + b"\nd0" + RUNS, id="in a dict"),
    pytest.param(b"GIF89a\1\0\1V" + WORDS + b"\n0" + RUNS, id="a GIF, for who looks at the beginning"),
    pytest.param(b"BM\0\0\0" + b"\0" * 77 + b"0V" + WORDS + b"\n0" + RUNS, id="a bitmap"),
    pytest.param(b"MZ\x90N0V" + WORDS + b"\n0" + RUNS, id="a program"),
    pytest.param(b"PK\3\4" + WORDS + b"\n0" + RUNS, id="a zip"),
    pytest.param(b"PK\5\6" + WORDS + b"\n0" + RUNS, id="an empty zip"),
    pytest.param(b"V<html>" + WORDS + b"</html>\n0" + RUNS, id="a page"),
]


class _Inert(real_pickle.Unpickler):
    """Python's own unpickler, in which every name is a function that only says that it was called."""

    called = False

    def find_class(self, _module: str, _qualname: str) -> object:
        def told(*_: object) -> None:
            self.called = True

        return told

    def persistent_load(self, pid: object) -> object:
        return pid


def is_run(content: bytes) -> bool:
    """Whether one of the loads of an open file calls anything."""
    file = io.BytesIO(content)
    while file.tell() < len(content):
        loader = _Inert(file)
        loader.load()
        if loader.called:
            return True
    return False


def claimed_by(content: bytes, path: str = "notes.bin") -> set[str]:
    """The rows that claim a file of this name and content."""
    head, tail = content[:HEAD], content[-HEAD:]
    return {claim.format.name for claim in claims(path, head, tail, BytesSource(content))}


@pytest.mark.parametrize("content", HIDING)
@pytest.mark.parametrize("path", ["notes.bin", "notes", "table.dat"])
def test_no_beginning_hides_what_runs_behind_it(content: bytes, path: str) -> None:
    assert "pickle" in claimed_by(content, path)
    found = {
        step.item.rule
        for step in reading.examine(BytesSource(content), Location(path), path, Limits())
        if isinstance(step, Found) and isinstance(step.item, Evidence)
    }
    assert "ART-001" in found


@pytest.mark.parametrize("content", HIDING)
def test_each_of_these_runs_in_a_loader(content: bytes) -> None:
    assert is_run(content)


def in_a_tar(content: bytes, name: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_a_tar_whose_first_name_begins_a_pickle_is_both() -> None:
    packed = in_a_tar(b"\n0" + RUNS, "Vnotes")
    assert is_run(packed)
    assert {"tar", "pickle"} <= claimed_by(packed)


class _Counting(BytesSource):
    """Counts the bytes that are read."""

    read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        found = super().read_at(offset, length)
        self.read += len(found)
        return found


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"X" + u32(10_000_000) + bytes(10_000_000) + b"\xff", id="a text that is jumped over"),
        pytest.param((b"X" + u32(100_000) + bytes(100_000) + b"0") * 100 + b"\xff", id="many such"),
        pytest.param(b"X" + u32(2**31) + bytes(10_000_000), id="a text that passes the end"),
        pytest.param(b"PK\3\4" + b"N" * 9000 + b"\n" + b"0N" * 4_000_000, id="a zip of opcodes"),
    ],
)
def test_to_look_further_reads_no_more_than_windows(content: bytes) -> None:
    source = _Counting(content)
    pickle.probe(content[:HEAD], source)
    assert source.read < 3_000_000


def test_a_line_is_read_once() -> None:
    content = b"V" + b"a" * 10_000_000
    source = _Counting(content)
    assert not pickle.probe(content[:HEAD], source)
    assert source.read <= len(content) + 200_000


HONEST = [
    pytest.param(b"V" + WORDS, id="one long line"),
    pytest.param(b"V" + WORDS + b"\nand another\n", id="a long line and another"),
    pytest.param(b"Index," * 5000 + b"\n" + b"1,2,3\n" * 5000, id="a table with a long head"),
    pytest.param(b"I" + b"\tcol" * 5000 + b"\n" + b"I\t1\n" * 5000, id="a table of columns"),
    pytest.param(b"(function(){" + b"var a=1;" * 5000 + b"})()", id="a minified script"),
    pytest.param(b"[" + b"1, " * 9000 + b"]", id="JSON on one line"),
    pytest.param(b"(" + b"(a b) " * 4000 + b")", id="an s-expression"),
    pytest.param(b"FUNC:_ZN4abc@@GLIBC_2.4\n" * 2000, id="symbols"),
    pytest.param(b"cryptography-38.0.4.dist-info/RECORD,,\n" * 2000, id="a list of files"),
    pytest.param(b"Section %d\n" * 2000, id="lines of S"),
    pytest.param(b"LICENSE text\n" * 2000, id="lines of L"),
    pytest.param(b"G" + b"\0" * 60000, id="zeros behind a letter"),
    pytest.param(b"BZh91AY&SY" + bytes(range(256)) * 100, id="bzip2"),
    pytest.param(b"PCBA-1030\n" * 128, id="names that begin with P"),
    pytest.param(b"PCBA-1030\n" * 9000 + b"PCBA", id="more of them, and no end of line"),
    pytest.param(b"X" * 60000, id="one letter"),
    pytest.param(b"]" + b"\n" * 60000, id="a bracket and empty lines"),
]


@pytest.mark.parametrize("content", HONEST)
def test_long_beginnings_that_are_no_pickles_are_none(content: bytes) -> None:
    assert "pickle" not in claimed_by(content)


def test_the_files_of_python_itself_are_no_pickles() -> None:
    looked = 0
    for path in sorted(Path(real_pickle.__file__).parent.glob("*")):
        if path.is_file():
            looked += 1
            assert "pickle" not in claimed_by(path.read_bytes(), "notes.bin"), path.name
    assert looked > 100
