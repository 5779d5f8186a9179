"""Lists of checksums, held against the files that they name."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.integrity import checksums
from scanner.integrity.tree import Tree, Witness
from scanner.limits import Limits
from scanner.model import Stated
from tests.integrity.trees import (
    UNKNOWN_CALL,
    digest,
    flipped,
    put,
    rules,
    scanned,
    states,
    tensors,
)

DATA = tensors("a", "b")
SHA = digest(DATA)


def stated(text: str | bytes, name: str = "SHA256SUMS", *files: str, folder: str = "") -> list[Stated]:
    tree = Tree(dict.fromkeys(files or ("m.safetensors",), 1))
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    witness = Witness(Location(f"{folder}{name}"), BytesSource(data), tree, Limits())
    return list(checksums.claims(witness))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("SHA256SUMS", f"{SHA}  m.safetensors\n", id="text mode"),
        pytest.param("SHA256SUMS", f"{SHA} *m.safetensors\n", id="binary mode"),
        pytest.param("SHA256SUMS", f"{SHA} m.safetensors\n", id="one blank, as BSD's -r writes it"),
        pytest.param("SHA256SUMS", f"{SHA.upper()}  ./m.safetensors\r\n", id="capitals, a dot, CRLF"),
        pytest.param("SHA256SUMS.txt", f"SHA256 (m.safetensors) = {SHA}\n", id="tagged"),
        pytest.param("sha256sums", f"SHA2-256(m.safetensors)= {SHA}\n", id="openssl 3"),
        pytest.param("m.safetensors.sha256", f"{SHA}\n", id="the bare digest"),
        pytest.param("m.safetensors.sha256sum", f"{SHA}  /build/out/m.safetensors\n", id="an absolute path"),
        pytest.param("checksums.txt", f"# made by us\n\n{SHA}  m.safetensors\n", id="a comment"),
        pytest.param("MD5SUMS", f"{digest(DATA, 'md5')}  m.safetensors\n", id="md5"),
        pytest.param("sha1sum.txt", f"{digest(DATA, 'sha1')}  m.safetensors\n", id="sha1"),
        pytest.param("SHA512SUMS", f"{digest(DATA, 'sha512')}  m.safetensors\n", id="sha512"),
        pytest.param("B2SUMS", f"{digest(DATA, 'blake2b')}  m.safetensors\n", id="blake2b"),
        pytest.param("m.safetensors.sha3-256", f"{digest(DATA, 'sha3_256')}  m.safetensors\n", id="sha3"),
        pytest.param(
            "x.sha256", f"BLAKE2b (m.safetensors) = {digest(DATA, 'blake2b')}\n", id="tagged blake2b"
        ),
        pytest.param(
            "SHA256SUMS.asc",
            f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{SHA}  m.safetensors\n"
            f"-----BEGIN PGP SIGNATURE-----\n\n{'0' * 64}  m.safetensors\n-----END PGP SIGNATURE-----\n",
            id="clear-signed",
        ),
    ],
)
def test_an_honest_list_holds_and_finds_nothing(tmp_path: Path, name: str, text: str) -> None:
    report = scanned(put(tmp_path, {"m.safetensors": DATA, name: text}))
    assert states(report, "checksums") == {"m.safetensors": "holds"}
    assert rules(report) in ([], ["HSH-003"])


def test_what_powershell_writes_is_read(tmp_path: Path) -> None:
    text = f"{SHA.upper()}  m.safetensors\r\n".encode("utf-16")
    report = scanned(put(tmp_path, {"m.safetensors": DATA, "SHA256SUMS": text}))
    assert states(report, "checksums") == {"m.safetensors": "holds"}


@pytest.mark.parametrize("list_name", ["SHA256SUMS", "release/SHA256SUMS", "m.safetensors.sha256"])
def test_a_flipped_byte_is_high(tmp_path: Path, list_name: str) -> None:
    name = "../m.safetensors" if "/" in list_name else "m.safetensors"
    report = scanned(put(tmp_path, {"m.safetensors": flipped(DATA), list_name: f"{SHA}  {name}\n"}))
    (found,) = [row for row in report.findings if row.evidence.rule == "HSH-011"]
    assert found.level == "high"
    assert found.evidence.where.path == "m.safetensors"
    assert dict(found.factors)["origin"].value == "hostile"
    assert SHA in found.evidence.message
    assert report.verdict.exit_code == 1


def test_a_file_that_nobody_reads_is_held_against_its_checksum_too(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {"tokenizer.model": b"other", "SHA256SUMS": f"{SHA}  tokenizer.model\n"}
    report = scanned(put(tmp_path, files))
    assert rules(report) == ["HSH-011"]


def test_of_two_lines_that_contradict_each_other_one_fails(tmp_path: Path) -> None:
    text = f"{SHA}  m.safetensors\n{'0' * 64}  m.safetensors\n"
    report = scanned(put(tmp_path, {"m.safetensors": DATA, "SHA256SUMS": text}))
    assert sorted(proof.state.value for proof in report.proofs) == ["fails", "holds"]
    assert rules(report) == ["HSH-011"]


@pytest.mark.parametrize("algorithm", ["md5", "sha1"])
def test_an_outdated_checksum_alone_is_told_and_pins_nothing(tmp_path: Path, algorithm: str) -> None:
    files: dict[str, bytes | str] = {"m.pkl": UNKNOWN_CALL}
    bare = scanned(put(tmp_path, files))
    report = scanned(
        put(tmp_path, {f"{algorithm.upper()}SUMS": f"{digest(UNKNOWN_CALL, algorithm)}  m.pkl\n"})
    )
    assert rules(report) == ["HSH-003"]
    assert _levels(bare) <= _levels(report)
    call = next(row for row in report.findings if row.evidence.rule == "ART-002")
    assert dict(call.factors)["origin"].value == "unverified"


def test_a_better_checksum_beside_it_is_enough(tmp_path: Path) -> None:
    lists: dict[str, bytes | str] = {
        "MD5SUMS": f"{digest(DATA, 'md5')}  m.safetensors\n",
        "SHA256SUMS": f"{SHA}  m.safetensors\n",
    }
    assert rules(scanned(put(tmp_path, {"m.safetensors": DATA, **lists}))) == []


def test_a_list_that_lies_beside_a_hostile_file_lowers_nothing(tmp_path: Path) -> None:
    put(tmp_path, {"m.pkl": UNKNOWN_CALL})
    bare = scanned(tmp_path)
    report = scanned(put(tmp_path, {"SHA256SUMS": f"{digest(UNKNOWN_CALL)}  m.pkl\n"}))
    assert states(report) == {"m.pkl": "holds"}
    assert _levels(bare) == _levels(report)
    assert report.verdict.exit_code == bare.verdict.exit_code == 1


def _levels(report: object) -> set[tuple[str, str]]:
    return {(row.evidence.rule, row.level) for row in report.findings}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("How to verify: run sha256sum.\n", id="prose"),
        pytest.param(f"{SHA[:-1]}  m.safetensors\n", id="a digit short"),
        pytest.param(f"{SHA}m.safetensors\n", id="no blank between"),
        pytest.param("\0" * 100, id="zeros"),
    ],
)
def test_what_is_no_list_says_so_and_fails_nothing(tmp_path: Path, text: str) -> None:
    with pytest.raises(Malformed):
        stated(text)
    report = scanned(put(tmp_path, {"m.safetensors": DATA, "SHA256SUMS": text}))
    assert states(report) == {"SHA256SUMS": "cannot-be-checked"}
    assert rules(report) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("../../../etc/passwd", "passwd", id="up and out"),
        pytest.param("/etc/passwd", "passwd", id="absolute"),
        pytest.param("C:\\Windows\\win.ini", "win.ini", id="a drive"),
        pytest.param("file:///etc/passwd", "passwd", id="an address"),
    ],
)
def test_a_name_that_leads_out_is_never_opened_there(tmp_path: Path, name: str, meant: str) -> None:
    (one,) = stated(f"{SHA}  {name}\n")
    assert one.path == meant
    report = scanned(put(tmp_path, {"SHA256SUMS": f"{SHA}  {name}\n"}))
    assert states(report) == {meant: "cannot-be-checked"}


@pytest.mark.parametrize("name", ["..", ".", "/", "../.."])
def test_a_name_of_no_file_is_told_of_the_list(name: str) -> None:
    (one,) = stated(f"{SHA}  {name}\n")
    assert one.path == "SHA256SUMS"
    assert one.unchecked


def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.bin"
    outside.write_bytes(DATA)
    tree = tmp_path / "tree"
    put(tree, {"SHA256SUMS": f"{'0' * 64}  m.safetensors\n"})
    (tree / "m.safetensors").symlink_to(outside)
    report = scanned(tree)
    assert states(report, "checksums") == {"m.safetensors": "cannot-be-checked"}


def test_an_escaped_name_is_the_one_that_was_meant(tmp_path: Path) -> None:
    odd = "a\nb\\c.bin"
    report = scanned(put(tmp_path, {odd: b"x", "SHA256SUMS": f"\\{digest(b'x')}  a\\nb\\\\c.bin\n"}))
    assert states(report) == {odd: "holds"}


def test_a_name_that_does_not_decode_is_found(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.bin")).write_bytes(b"x")
    (tmp_path / "SHA256SUMS").write_bytes(digest(b"x").encode() + b"  \xff.bin\n")
    assert states(scanned(tmp_path)) == {os.fsdecode(b"\xff.bin"): "holds"}


def test_files_that_are_not_here_are_counted_not_listed(tmp_path: Path) -> None:
    text = "".join(f"{SHA}  gone-{at}.bin\n" for at in range(5000))
    report = scanned(put(tmp_path, {"m.safetensors": DATA, "SHA256SUMS": f"{text}{SHA}  m.safetensors\n"}))
    rows = [proof for proof in report.proofs if proof.state.value == "cannot-be-checked"]
    assert len(rows) == Limits().absent_rows + 1
    assert any("4,900 more" in proof.detail for proof in rows)
    assert states(report)["m.safetensors"] == "holds"


def test_a_list_past_its_limit_is_told() -> None:
    witness = Witness(
        Location("SHA256SUMS"), BytesSource(f"{SHA}  a\n".encode() * 3), Tree({}), Limits(claims=2)
    )
    with pytest.raises(ScanError):
        list(checksums.claims(witness))


NAMES = st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=30).filter(
    lambda name: (
        name == name.strip()
        and name not in {".", ".."}
        and not name.startswith(("~", "\\"))
        and ":" not in name
    )
)


@given(NAMES, st.binary(max_size=20), st.sampled_from(["  ", " *"]))
def test_what_coreutils_would_write_is_read_as_it_was_meant(name: str, data: bytes, mark: str) -> None:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    front = "\\" if escaped != name else ""
    (one,) = stated(f"{front}{digest(data)}{mark}{escaped}\n", "SHA256SUMS", name)
    assert one.path == name
    assert one.digest is not None
    assert one.digest.value == digest(data)


@given(st.binary(max_size=300))
def test_whatever_stands_there_ends_in_statements_or_an_error_of_ours(data: bytes) -> None:
    with suppress(ScanError):
        assert all(one.kind == checksums.KIND for one in stated(data))
