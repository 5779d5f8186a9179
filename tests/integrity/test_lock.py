"""The lock as a file: what it says comes back, and what is no lock is refused with the law that it breaks."""

import tomllib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import LimitReached, Malformed
from scanner.integrity import lock as locks
from scanner.integrity.lock import Entry, Lock, Reference

DIGEST = "0123456789abcdef" * 4
COMMIT = "a" * 40

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)
raw_names = st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
paths = (
    st.lists(names | raw_names, min_size=1, max_size=4)
    .map("/".join)
    .filter(lambda path: not any(part in ("", ".", "..") for part in path.split("/")) and "\0" not in path)
)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
entries = st.builds(
    Entry,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 2**63 - 1),
    st.sampled_from(locks.KINDS),
    words,
    words,
    words,
)
references = st.builds(Reference, st.sampled_from(locks.KINDS), words, words)
whole_locks = st.builds(
    Lock, st.dictionaries(paths, entries, max_size=6), st.dictionaries(words, references, max_size=3), words
)


def lock(*rows: str, version: str = "1") -> bytes:
    return "\n".join([f"version = {version}", "[files]", *rows]).encode()


def row(path: str = '"a.pt"', said: str = f'sha256 = "{DIGEST}", size = 3') -> str:
    return f"{path} = {{ {said} }}"


# --- honest -----------------------------------------------------------------------------------------------


@given(whole_locks)
def test_what_is_written_is_read_again(written: Lock) -> None:
    data = locks.render(written)
    assert locks.parse(data) == written
    assert locks.render(locks.parse(data)) == data
    tomllib.loads(data.decode())


@given(st.dictionaries(paths, entries, min_size=1, max_size=8), st.data())
def test_one_change_is_one_line_of_a_diff(files: dict[str, Entry], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(files)))
    entry = data.draw(entries)
    before = locks.render(Lock(files)).splitlines()
    after = locks.render(Lock(files | {path: entry})).splitlines()
    assert len(before) == len(after)
    assert sum(old != new for old, new in zip(before, after, strict=True)) == (files[path] != entry)


def test_lines_are_sorted_and_in_one_order_whatever_the_order_they_came_in() -> None:
    files = {name: Entry(DIGEST, 1) for name in ("b", "a/z", "A", "é")}
    data = locks.render(Lock(dict(reversed(files.items()))))
    assert data == locks.render(Lock(files))
    keys = [line.split('"')[1] for line in data.decode().splitlines() if DIGEST in line]
    assert keys == sorted(files)


@pytest.mark.parametrize(
    ("path", "written"),
    [
        pytest.param("plain.pt", '"plain.pt"', id="a plain name"),
        pytest.param("100%.pt", '"100%25.pt"', id="a percent sign"),
        pytest.param("a\udcffb", '"a%ffb"', id="a byte that is no UTF-8"),
        pytest.param('a"b\\c', '"a\\"b\\\\c"', id="quotes and backslashes"),
        pytest.param("a\nb\x1b", '"a\\u000ab\\u001b"', id="what would forge a line"),
        pytest.param("a\u202eb", '"a\\u202eb"', id="what would turn the line around"),
    ],
)
def test_every_name_has_a_spelling_that_shows(path: str, written: str) -> None:
    data = locks.render(Lock({path: Entry(DIGEST, 1)})).decode()
    assert f"\n{written} = {{" in data
    assert set(locks.parse(data.encode()).files) == {path}


def test_other_ways_to_write_the_same_toml_are_read() -> None:
    data = f'version=1\n[files."a/b.pt"]\nsha256="{DIGEST}"\nsize=3\nkind="data"\n'.replace("\n", "\r\n")
    assert locks.parse(data.encode()).files == {"a/b.pt": Entry(DIGEST, 3, "data")}


@pytest.mark.parametrize(
    ("source", "revision", "fixed"),
    [
        pytest.param("", COMMIT, False, id="one's own"),
        pytest.param("https://huggingface.co/a/b", COMMIT, True, id="a commit"),
        pytest.param("https://huggingface.co/a/b", "main", False, id="a branch"),
        pytest.param("https://huggingface.co/a/b", "", False, id="no revision"),
        pytest.param("oci.example/a", f"sha256:{DIGEST}", True, id="a digest"),
        pytest.param("https://x", COMMIT[:12], False, id="a short commit, which can be found again"),
    ],
)
def test_only_somebody_elses_file_at_a_whole_commit_is_fixed(
    source: str, revision: str, *, fixed: bool
) -> None:
    assert Entry(DIGEST, 1, source=source, revision=revision).is_fixed is fixed


# --- broken and hostile -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "version", id="empty"),
        pytest.param(b"\xff\xfe", "utf-8", id="no UTF-8"),
        pytest.param(b"<html>", "toml", id="no TOML"),
        pytest.param(lock(version="2"), "version", id="a later version"),
        pytest.param(lock(version="true"), "version", id="a version that is no number"),
        pytest.param(lock(version='"1"'), "version", id="a version in quotes"),
        pytest.param(b"version = 1\nfiles = 3", "table", id="files that are none"),
        pytest.param(b"version = 1\nfile = {}", "key", id="a misspelt table"),
        pytest.param(lock('"a" = 3'), "entry", id="an entry that is a number"),
        pytest.param(lock(row(), row()), "toml", id="one path twice"),
        pytest.param(lock(row(said="size = 3")), "sha256", id="no digest"),
        pytest.param(lock(row(said='sha256 = "abc", size = 3')), "sha256", id="a short digest"),
        pytest.param(lock(row(said=f'sha256 = "{DIGEST}0", size = 3')), "sha256", id="a long digest"),
        pytest.param(lock(row(said=f'sha256 = "{DIGEST.upper()}", size = 3')), "sha256", id="capitals"),
        pytest.param(lock(row(said=f'sha256 = "{DIGEST}", size = -1')), "size", id="a negative size"),
        pytest.param(
            lock(row(said=f'sha256 = "{DIGEST}", size = true')), "size", id="a size that is a truth"
        ),
        pytest.param(
            lock(row(said=f'sha256 = "{DIGEST}", size = 9223372036854775808')), "size", id="too large"
        ),
        pytest.param(
            lock(row(said=f'sha256 = "{DIGEST}", size = 3, kind = "x"')), "kind", id="a strange kind"
        ),
        pytest.param(lock(row(said=f'sha256 = "{DIGEST}", size = 3, md5 = "x"')), "key", id="a strange key"),
        pytest.param(lock(row(said=f'sha256 = "{DIGEST}", size = 3, source = 1')), "source", id="no text"),
        pytest.param(lock(row('"../a.pt"')), "path", id="a path that leads out"),
        pytest.param(lock(row('"a/../../b"')), "path", id="one that leads out on the way"),
        pytest.param(lock(row('"/etc/passwd"')), "path", id="an absolute path"),
        pytest.param(lock(row('"a//b"')), "path", id="a second spelling by slashes"),
        pytest.param(lock(row('"./a"')), "path", id="a second spelling by a dot"),
        pytest.param(lock(row('""')), "path", id="an empty path"),
        pytest.param(lock(row('"a\\u0000b"')), "path", id="a NUL"),
        pytest.param(lock(row('"%61.pt"')), "path", id="a second spelling by an escape"),
        pytest.param(lock(row('"%c3%a9.pt"')), "path", id="escapes that are good UTF-8"),
        pytest.param(lock(row('"50%.pt"')), "path", id="a bare percent sign"),
        pytest.param(b"version = 1\na = " + b"[" * 100_000, "nesting", id="a hundred thousand brackets"),
        pytest.param(b"version = 1\n" + b"a." * 100_000 + b"a = 1", "nesting", id="a key of many parts"),
        pytest.param(b"version = " + b"1" * 10_000, "toml", id="a number of ten thousand digits"),
        pytest.param(b'version = 1\n[references]\n"a" = 1', "entry", id="a reference that is a number"),
    ],
)
def test_broken_locks_name_the_law_they_break(data: bytes, law: str) -> None:
    with pytest.raises(Malformed) as caught:
        locks.parse(data)
    assert caught.value.law == law


def test_brackets_in_a_name_are_no_nesting() -> None:
    path = "[[[[[[[[[[[[.{{{{{{{{{{{{.a.a.a.a.a.a.a.a.a.a"
    assert set(locks.parse(locks.render(Lock({path: Entry(DIGEST, 1)}))).files) == {path}


@pytest.mark.parametrize(
    "limit", [pytest.param("lock_file_bytes", id="bytes"), pytest.param("lock_entries", id="entries")]
)
def test_a_lock_past_a_limit_says_which(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    small = type(locks._LIMITS)(**{limit: 1})
    monkeypatch.setattr(locks, "_LIMITS", small)
    with pytest.raises(LimitReached) as caught:
        locks.parse(lock(row(), row('"b.pt"')))
    assert caught.value.limit == limit


def _cut(data: bytes, at: int) -> bytes:
    return data[: at % (len(data) + 1)]


def _flip(data: bytes, at: int) -> bytes:
    place = at % len(data)
    return data[:place] + bytes([data[place] ^ 1 << (at % 8)]) + data[place + 1 :]


@given(whole_locks, st.sampled_from([_cut, _flip]), st.integers(0, 10_000))
def test_a_damaged_lock_is_a_lock_or_malformed(
    written: Lock, damage: Callable[[bytes, int], bytes], at: int
) -> None:
    damaged = damage(locks.render(written), at)
    with suppress(Malformed):
        read = locks.parse(damaged)
        assert locks.parse(locks.render(read)) == read
