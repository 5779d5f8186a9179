"""Lists of installed files: what they state, and what they get wrong."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scanner.errors import Malformed, ScanError
from scanner.integrity import records
from tests.forge_environment import digest

HELLO = hashlib.sha256(b"hello").digest()


def test_a_row_states_path_digest_and_size() -> None:
    (row,) = records.of_record(f"pkg/a.py,{digest(b'hello')},5\n".encode(), "lib/site-packages")
    assert (row.path, row.algorithm, row.digest, row.size) == (
        "lib/site-packages/pkg/a.py",
        "sha256",
        HELLO,
        5,
    )
    assert not row.escapes
    assert not row.wrong


@pytest.mark.parametrize(
    ("line", "path"),
    [
        pytest.param('"a, b.py",,', "s/a, b.py", id="a comma in quotes"),
        pytest.param('"a""b.py",,', 's/a"b.py', id="a quote in quotes"),
        pytest.param("pkg\\a.py,,", "s/pkg/a.py", id="written on Windows"),
        pytest.param("./a.py,,", "s/a.py", id="a dot"),
        pytest.param("../bin/x,,", "bin/x", id="a script"),
        pytest.param("a.py,,\r", "s/a.py", id="lines end as on Windows"),
    ],
)
def test_paths_are_placed_below_the_root(line: str, path: str) -> None:
    assert [row.path for row in records.of_record(line.encode() + b"\n\n", "s")] == [path]


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a/../../../x", "\\\\host\\share", "a\0b"]
)
def test_paths_that_lead_out_say_so(path: str) -> None:
    assert [row.escapes for row in records.of_record(f"{path},,\n".encode(), "s")] == [True]


@pytest.mark.parametrize(
    ("stated", "wrong"),
    [
        pytest.param("sha256=abc,1", "sha256", id="too short"),
        pytest.param("sha256=!!!,1", "sha256", id="no base64"),
        pytest.param("sha256=,1", "sha256", id="empty"),
        pytest.param("crc32=AAAA,1", "algorithm", id="no digest at all"),
        pytest.param(f"{digest(b'')},many", "size", id="no number"),
        pytest.param(f"{digest(b'')},-1", "size", id="less than nothing"),
    ],
)
def test_what_is_no_digest_or_size_is_wrong(stated: str, wrong: str) -> None:
    (row,) = records.of_record(f"a.py,{stated}\n".encode(), "")
    assert wrong in row.wrong


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a.py\n", b"a.py,,,\n", b'"a.py,,\n', b'"a"b,,\n'])
def test_broken_lists_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        records.of_record(data, "")


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_an_error_of_ours(data: bytes) -> None:
    with suppress(ScanError):
        assert all(row.path for row in records.of_record(data, "s"))


@given(st.binary(max_size=64), st.sampled_from(["sha256", "sha384", "sha512"]))
def test_every_digest_that_is_written_is_read(data: bytes, algorithm: str) -> None:
    (row,) = records.of_record(f"a.py,{digest(data, algorithm)},{len(data)}\n".encode(), "")
    assert (row.algorithm, row.digest) == (algorithm, hashlib.new(algorithm, data).digest())


def test_a_conda_package_states_digests_as_they_are_in_its_prefix() -> None:
    document = {
        "files": ["bin/x", "lib/y"],
        "paths_data": {
            "paths": [
                {"_path": "bin/x", "sha256": "00" * 32, "sha256_in_prefix": HELLO.hex()},
                {"_path": "lib/link", "sha256": "00" * 32, "path_type": "softlink"},
                {"_path": "../out", "sha256": "zz"},
                {"_path": 7},
                "nothing",
            ]
        },
    }
    rows = {row.path: row for row in records.of_conda(document)}
    assert rows["bin/x"].digest == HELLO
    assert rows["lib/link"].digest == b""
    assert rows["lib/y"].digest == b""
    assert rows["../out"].escapes
    assert rows["../out"].wrong
    assert records.of_conda([]) == records.of_conda({"paths_data": 1, "files": {}}) == []


_PATHS = st.text(alphabet="ab_-+./\\:é 1", min_size=1, max_size=12)
_STATED = st.binary(max_size=40).map(digest) | st.just(digest(b"a")) | st.text(max_size=8) | st.just("")
_SIZES = st.sampled_from(["", "5", "05", "-1", "\u0663", "9" * 18, "9" * 19])


@given(_PATHS, _STATED, _SIZES, st.sampled_from(["", "lib"]))
def test_the_short_way_for_usual_rows_says_what_the_long_way_says(
    path: str, stated: str, size: str, folder: str
) -> None:
    line = f"{path},{stated},{size}"
    assume('"' not in line and len(line.splitlines()) == 1 and line.count(",") == 2)
    assert records.of_record(line.encode(), folder) == [records._row(line.split(","), folder, 1)]
