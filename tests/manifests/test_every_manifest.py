"""What every reader of manifests has to bear: each row of the registry over the same hostile bytes.

A row that somebody adds is covered by being in the table; with a sample, on bytes of its own kind too.
"""

import random
import re
from collections.abc import Callable

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.model import Declaration, Evidence, Reading
from scanner.readers import decoding
from scanner.registry import MANIFESTS, Manifest, manifests_of
from scanner.rubric import rules
from tests.manifests.samples import SAMPLES

ROWS = [pytest.param(row, id=row.name) for row in MANIFESTS]
LOCKS = [pytest.param(row, id=row.name) for row in MANIFESTS if row.lock and not row.marked]
DEEP = 10_000
MIB = 1 << 20


def _bomb(depth: int = 30) -> str:
    rows = ["a0: &a0 [x, x]"] + [f"a{at}: &a{at} [*a{at - 1}, *a{at - 1}]" for at in range(1, depth)]
    return "\n".join(rows) + f"\ndependencies: *a{depth - 1}\nservices: *a{depth - 1}\njobs: *a{depth - 1}\n"


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "one NUL": b"\0",
    "NULs": b"\0" * 4096,
    "a mark alone": b"\xef\xbb\xbf",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbfnumpy\n",
    "a UTF-16 mark alone": b"\xff\xfe",
    "half a UTF-16 character": b"\xff\xfen\0u",
    "a lone surrogate": b"\xff\xfe" + b"\x00\xd8" * 9,
    "UTF-32": "numpy\n".encode("utf-32"),
    "cp1252": b"# caf\xe9 \x81\nnumpy\n",
    "every byte": bytes(range(256)) * 16,
    "random": random.Random(4).randbytes(64 << 10),
    "NUL inside": b"numpy\0==1\n[[package]]\nname = 'a\0b'\n",
    "deep arrays": b"[" * DEEP,
    "deep arrays, closed": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep objects in a lock": b'{"default": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "deep arrays in TOML": b"version = 1\na = " + b"[" * DEEP + b"]" * DEEP,
    "deep tables in TOML": b"[" + b".".join([b"a"] * DEEP) + b"]\n",
    "deep inline tables": b"a = " + b"{a = " * DEEP + b"1" + b"}" * DEEP,
    "deep YAML": b"".join(b" " * at + b"-\n" for at in range(1_500)),
    "deep flow": b"a: " + b"[" * DEEP,
    "deep brackets of Python": b"setup(install_requires=" + b"(" * DEEP + b")" * DEEP + b")",
    "deep calls": b"f(" * DEEP + b")" * DEEP,
    "deep operators": b"x = " + b"-" * DEEP + b"1\n",
    "deep sums": b"setup(install_requires=" + b"[]+" * DEEP + b"[])",
    "deep substitutions": b"pip install " + b"$(" * DEEP,
    "deep back ticks": b"pip install " + b"\\`" * DEEP,
    "deep markers": b"x ; " + b"(" * DEEP + b"os_name=='a'" + b")" * DEEP,
    "an alias bomb": _bomb().encode(),
    "an alias to itself": b"dependencies: &a [*a]\nservices: &b {x: *b}\n",
    "an alias to nothing": b"dependencies: [*a]\n",
    "a tag": b"!!python/object/apply:os.system ['echo']\n",
    "huge numbers": b"version = " + b"9" * 5_000 + b"\n",
    "a huge number in JSON": b'{"a": ' + b"9" * 5_000 + b"}",
    "numbers beyond floats": b'{"a": 1e999, "b": NaN, "nbformat": 4, "cells": [NaN]}',
    "keys of no string": b"1: 2\n[a]: b\n? {x: y}\n: z\n",
    "a line of 1 MB": b"numpy==" + b"1" * MIB,
    "a line of many words": b"pip install " + b"a " * 20_000,
    "a line of many commas": b"numpy" + b">1," * 50_000,
    "a string of 1 MB": b'a = "' + b"x" * MIB + b'"\n',
    "a string that never ends": b'a = "' + b"x" * MIB,
    "1 MB of quotes": b'"' * MIB,
    "1 MB of back slashes": b"\\" * MIB,
    "many continuations": b"\\\n" * 50_000,
    "many lines": b"\n" * 50_000,
    "1 MB of blanks": b" " * MIB,
    "1 MB of marks": b"#" * MIB,
    "many dollars": b"$" * 200_000,
    "many commands": b"pip install a;" * 5_000,
    "a here-document that never ends": b"cat <<EOF\npip install numpy\n" * 500,
    "a here-string of nothing": b"<<<",
    "a here-string of nothing in RUN": b"RUN <<<",
    "lone CRs": b"numpy\rtorch\r\r\nscipy\r",
    "breaks that are no lines": "numpy\x0btorch\x0cscipy\x1c\x1d\x1e\x85pandas\u2028rich\u2029\n".encode(),
    "conflict marks": b"<<<<<<< HEAD\nnumpy==1\n=======\nnumpy==2\n>>>>>>> theirs\n",
    "a page": b"<!DOCTYPE html><html><body>404: Not Found</body></html>",
    "a pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n",
}


def row_of(path: str) -> Manifest | None:
    """The row that reads the file for its name; of those that only a mark calls for, the first."""
    rows = manifests_of(path)
    return next((row for row in rows if not row.marked), next(iter(rows), None))


def path_of(row: Manifest) -> str:
    """A path that the row itself claims, as far as its patterns tell one."""
    return next((path for path in SAMPLES if row_of(path) is row), re.sub(r"\[.*?\]|\*", "x", row.names[0]))


def read(row: Manifest, data: bytes) -> list[Reading]:
    """What the row reads before it ends or breaks off; any other end fails the test."""
    found: list[Reading] = []
    where = Location(path_of(row))
    try:
        for reading in row.parse(data, where):
            found.append(reading)  # noqa: PERF402  (what came before a break is kept)
    except Malformed as error:
        ends = (error.law, error.line or 1)
    except LimitReached as error:
        ends = (error.limit, 1)
    else:
        ends = ("read", 1)
    assert ends[0]
    assert ends[1] >= 1
    return found


def check(row: Manifest, data: bytes) -> None:
    """Every reading stands in this file, at a line that it has, under a rule that there is."""
    last = len(decoding.decode(data)[0].splitlines()) + 1
    path = path_of(row)
    for reading in read(row, data):
        assert reading.where.path == path
        assert reading.where.line is None or 1 <= reading.where.line <= last or reading.where.cell
        if isinstance(reading, Evidence):
            assert reading.rule in rules.load()


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in HOSTILE.items()])
@pytest.mark.parametrize("row", ROWS)
def test_hostile_bytes_end_in_readings_or_in_a_law_that_they_break(row: Manifest, data: bytes) -> None:
    check(row, data)


@pytest.mark.parametrize("row", ROWS)
def test_a_sample_cut_off_anywhere_ends_in_readings_or_in_a_law(row: Manifest) -> None:
    pick = random.Random(row.name)
    for text in SAMPLES.values():
        data = text.encode()
        for _ in range(12):
            check(row, data[: pick.randrange(len(data))])


@pytest.mark.parametrize("row", ROWS)
def test_a_sample_with_bytes_turned_ends_in_readings_or_in_a_law(row: Manifest) -> None:
    pick = random.Random(row.name)
    own = [text for path, text in SAMPLES.items() if row_of(path) is row] or list(SAMPLES.values())
    for text in own * 40:
        data = bytearray(text.encode())
        for _ in range(pick.randrange(1, 4)):
            at = pick.randrange(len(data))
            data[at : at + pick.randrange(3)] = pick.choice(
                [b"\0", b"[", b"]", b'"', b"{", b"\n", b"\xff", b"="]
            )
        check(row, bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\n",
        b"{}",
        b"[]",
        b"null",
        b"a: b\n",
        b'x = "y"\n',
        HOSTILE["a page"],
        HOSTILE["a pointer"],
        HOSTILE["conflict marks"],
    ],
    ids=repr,
)
@pytest.mark.parametrize("row", LOCKS)
def test_a_file_that_claims_to_be_a_lock_and_is_none_is_said_to(row: Manifest, data: bytes) -> None:
    try:
        found = list(row.parse(data, Location(path_of(row))))
    except Malformed:
        return
    assert any(isinstance(reading, Evidence) for reading in found)


# --- lines ------------------------------------------------------------------------------------------------


def places(row: Manifest, data: bytes) -> list[tuple[str, int | None, int | None]]:
    """The names that a file declares, with their lines and cells."""
    return [
        (one.name, one.where.line, one.where.cell)
        for one in row.parse(data, Location(path_of(row)))
        if isinstance(one, Declaration)
    ]


def _encoded(text: str, codec: str, mark: bytes = b"") -> bytes:
    return mark + text.encode(codec)


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "CRLF": lambda text: _encoded(text.replace("\n", "\r\n"), "utf-8"),
    "UTF-8 with a mark": lambda text: _encoded(text, "utf-8-sig"),
    "CRLF with a mark": lambda text: _encoded(text.replace("\n", "\r\n"), "utf-8-sig"),
    "UTF-16-LE with a mark": lambda text: _encoded(text, "utf-16-le", b"\xff\xfe"),
    "UTF-16-BE with a mark": lambda text: _encoded(text, "utf-16-be", b"\xfe\xff"),
    "UTF-16-LE without one": lambda text: _encoded(text, "utf-16-le"),
    "UTF-16-BE without one": lambda text: _encoded(text, "utf-16-be"),
    "UTF-16-LE with CRLF": lambda text: _encoded(text.replace("\n", "\r\n"), "utf-16-le", b"\xff\xfe"),
    "no last end of line": lambda text: text.rstrip("\n").encode(),
}


# Python reads no source in UTF-16: such a file is no script.
SPELLED = [
    (path, spelling)
    for path in SAMPLES
    for spelling in SPELLINGS
    if not (path == "tool.py" and spelling.startswith("UTF-16"))
]


@pytest.mark.parametrize(("path", "spelling"), SPELLED)
def test_lines_are_the_same_however_the_file_is_encoded(path: str, spelling: str) -> None:
    row = row_of(path)
    assert row is not None
    wanted = places(row, SAMPLES[path].encode())
    assert wanted
    assert places(row, SPELLINGS[spelling](SAMPLES[path])) == wanted


@pytest.mark.parametrize("path", SAMPLES)
def test_the_line_is_one_that_names_the_package(path: str) -> None:
    row = row_of(path)
    assert row is not None
    lines = SAMPLES[path].splitlines()
    for name, line, cell in places(row, SAMPLES[path].encode()):
        if cell is not None:
            continue
        assert line is not None
        shown = "".join(lines[line - 1 : line + 1])  # a table's header stands for it: its name comes next
        assert name.rpartition("/")[2].lower() in shown.lower()


ODD = [
    "a \x0c b",
    "a \u2028 b",
    "a \u2028# b",
    "a \x85# b",
    "a \u2029 b",
    "a \x85 b",
    "a \x0b b",
    "a \x1c b",
    "a \t b",
    "caf\u00e9 \U0001f600",
]
COMMENTED = [
    path
    for path in SAMPLES
    if not path.endswith((".ipynb", ".lock", ".json")) or path in {"uv.lock", "pdm.lock"}
]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("path", COMMENTED)
def test_what_an_editor_shows_on_one_line_never_shifts_the_lines_below(path: str, odd: str) -> None:
    row = row_of(path)
    assert row is not None
    before = places(row, SAMPLES[path].encode())
    try:
        after = places(row, f"# {odd}\n{SAMPLES[path]}".encode())
    except Malformed:
        assert not odd.isprintable()  # the format forbids it
        return
    known = {name for name, _, _ in before}
    assert [each for each in after if each[0] in known] == [
        (name, line + 1 if line is not None else None, cell) for name, line, cell in before
    ]
