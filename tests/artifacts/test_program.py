"""Programs: an archive that one carries is opened, and everything else stays recognised only."""

import gzip
import struct
import zlib

import pytest

from sbom.model import Location
from scanner.examine import Ended, Found, Step, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence, Outcome
from tests.forge_sevenzip import COPY, LZMA2, S, sevenzip_of

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
ARCHIVE = sevenzip_of([S("data.pkl", PICKLE)], method=LZMA2)
ELF = b"\x7fELF" + bytes(9000)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(5000)


def steps_of(data: bytes, name: str = "setup.exe", limits: Limits | None = None) -> list[Step]:
    return list(examine(BytesSource(data), Location(name), name, limits or Limits()))


def rules_of(steps: list[Step]) -> set[str]:
    return {step.item.rule for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)}


@pytest.mark.parametrize("before", [ELF, PE], ids=["ELF", "PE"])
@pytest.mark.parametrize("name", ["setup.exe", "model.bin", "weights"])
def test_an_archive_behind_a_program_is_opened(before: bytes, name: str) -> None:
    assert "ART-001" in rules_of(steps_of(before + ARCHIVE, name))


@pytest.mark.parametrize(
    ("before", "name"),
    [
        pytest.param(b"#notes about this model\n" * 20, "weights.bin", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(64), "picture.png", id="a picture"),
        pytest.param(bytes(9000), "archive.7z", id="far behind, by its suffix"),
    ],
)
def test_an_archive_behind_something_else_is_opened_and_told(before: bytes, name: str) -> None:
    assert {"ART-001", "ART-017"} <= rules_of(steps_of(before + ARCHIVE, name))


def test_a_text_that_shows_the_signature_is_no_archive() -> None:
    assert rules_of(steps_of(b"magic: 7z\xbc\xaf\x27\x1c" + bytes(80), "notes.bin")) == set()


def test_a_signature_that_only_looks_like_one_is_passed_over() -> None:
    fake = b"7z\xbc\xaf\x27\x1c" + bytes(40)
    assert "ART-001" in rules_of(steps_of(ELF + fake + ARCHIVE))
    assert rules_of(steps_of(ELF + fake)) == rules_of(steps_of(ELF))


def test_the_search_is_bounded() -> None:
    limits = Limits(program_bytes=4000)
    assert "ART-001" not in rules_of(steps_of(ELF + ARCHIVE, limits=limits))


def test_a_program_is_recognised_and_not_more_whatever_it_carries() -> None:
    for data in (ELF, ELF + sevenzip_of([S("a.txt", b"words")], method=COPY)):
        ended = [step for step in steps_of(data) if isinstance(step, Ended)]
        assert [step.outcome for step in ended if step.inspector == "native-library"] == [Outcome.RECOGNISED]


def _stored(data: bytes) -> bytes:
    """Deflate's stored block, not the last one."""
    return b"\0" + struct.pack("<2H", len(data), len(data) ^ 0xFFFF) + data


def test_a_stream_that_unpacks_to_itself_ends() -> None:
    # Each level is the one below with a header, deeper than anybody follows: a quine gives that without end.
    data = gzip.compress(b"x")
    for _ in range(40):
        body = _stored(data) + b"\3\0"
        data = gzip.compress(b"")[:10] + body + struct.pack("<2I", zlib.crc32(data), len(data))
    steps = steps_of(data, "quine.gz")
    said = [step.detail for step in steps if isinstance(step, Ended) and step.outcome is Outcome.LIMITED]
    assert [detail.partition(":")[0] for detail in said] == ["limit container_depth"]


# --- programs under the names of weights --------------------------------------------------------------------

MACHO = b"\xcf\xfa\xed\xfe" + bytes(64)
BYTECODE = struct.pack("<H", 3495) + b"\r\n" + bytes(12) + b"\xe3" + bytes(40)
SCRIPTS = (b"#!/bin/sh\nid\n", b"#! /usr/bin/env python3\nimport os\n", b"@ECHO OFF\r\nwhoami\r\n")
WEIGHTS = ("model.pt", "pytorch_model.bin", "xgb.model", "net.weights", "m.onnx", "m.npy", "M.H5", "a.CKPT")


@pytest.mark.parametrize("data", [ELF, PE, MACHO, BYTECODE, *SCRIPTS])
@pytest.mark.parametrize("name", WEIGHTS)
def test_a_program_under_a_name_of_weights_is_told(data: bytes, name: str) -> None:
    steps = steps_of(data, name)
    told = [step.item for step in steps if isinstance(step, Found) and step.inspector == "name"]
    assert [item.rule for item in told if isinstance(item, Evidence)] == ["ART-005"]
    assert any(isinstance(step, Ended) and step.outcome is Outcome.RECOGNISED for step in steps)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(SCRIPTS[0], "train.sh", id="a script that says so"),
        pytest.param(SCRIPTS[1], "train.py", id="a script of Python"),
        pytest.param(SCRIPTS[0], "gradlew", id="a script without a suffix"),
        pytest.param(SCRIPTS[0], "notes.txt", id="a script to read"),
        pytest.param(ELF, "libnet.so", id="a library"),
        pytest.param(ELF, "runner", id="an executable"),
        pytest.param(BYTECODE, "a.cpython-311.pyc", id="compiled Python"),
        pytest.param(b"# comment\n1 2\n", "words.vec", id="a text of weights"),
        pytest.param(b"tree\nversion=v4\n", "lgb.model", id="a model that is text"),
    ],
)
def test_programs_that_say_what_they_are_break_no_promise(data: bytes, name: str) -> None:
    assert "ART-005" not in rules_of(steps_of(data, name))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(b"#!\\bin\\sh\n", "model.bin", id="the other slash"),
        pytest.param(SCRIPTS[0] + bytes(10_000), "model.pt", id="padded like a tensor"),
        pytest.param(SCRIPTS[0], "model.tar.bin", id="two suffixes"),
        pytest.param(SCRIPTS[0], "adapter_model.BIN", id="another case"),
    ],
)
def test_a_script_is_told_however_it_is_dressed(data: bytes, name: str) -> None:
    assert "ART-005" in rules_of(steps_of(data, name))


def test_a_program_that_is_cut_off_is_one_still() -> None:
    for data in (ELF[:20], MACHO[:4], SCRIPTS[0][:9]):
        assert "ART-005" in rules_of(steps_of(data, "model.pt"))
