"""pip's requirements files: what is honest, what is caught, what breaks, and what tries to hide."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from sbom.purl import normalise_name
from scanner.errors import LimitReached
from scanner.manifests import requirements
from scanner.model import Declaration, Evidence, Include, IndexUse, InstallMode, OriginKind, Reading

WHERE = Location("requirements.txt")
SHA = "a" * 64
SHB = "b" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def read(data: bytes | str) -> list[Reading]:
    return list(requirements.parse(data.encode() if isinstance(data, str) else data, WHERE))


def declared(data: bytes | str) -> list[Declaration]:
    return [row for row in read(data) if isinstance(row, Declaration)]


def bad_lines(data: bytes | str) -> list[int | None]:
    rows = [row for row in read(data) if isinstance(row, Evidence)]
    assert all(row.rule == "COV-005" for row in rows)
    return [row.where.line for row in rows]


# --- honest -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "version", "specifier"),
    [
        pytest.param("torch==2.1.0+cu121", "torch", "2.1.0+cu121", "==2.1.0+cu121", id="local version"),
        pytest.param("Foo.Bar_baz == 1.0", "Foo.Bar_baz", "1.0", "== 1.0", id="name as written"),
        pytest.param("numpy", "numpy", "", "", id="bare name"),
        pytest.param("numpy>=1.24,<2", "numpy", "", ">=1.24,<2", id="range"),
        pytest.param("pkg==0.7.*", "pkg", "", "==0.7.*", id="wildcard is a range"),
        pytest.param("pkg===1.0-weird", "pkg", "1.0-weird", "===1.0-weird", id="arbitrary equality"),
        pytest.param("pkg (>=1,<2)", "pkg", "", "<2,>=1", id="parentheses"),
        pytest.param("pkg~=1.4.2", "pkg", "", "~=1.4.2", id="compatible release"),
        pytest.param(
            "pkg==1!2.0rc1.post2.dev3", "pkg", "1!2.0rc1.post2.dev3", "==1!2.0rc1.post2.dev3", id="all"
        ),
        pytest.param("pkg==1.0,!=1.1", "pkg", "1.0", "==1.0,!=1.1", id="a pin beside an exclusion"),
        pytest.param("pkg==1.0,==2.0", "pkg", "", "==1.0,==2.0", id="two pins pin nothing"),
    ],
)
def test_a_plain_line_is_its_name_and_what_it_admits(
    line: str, name: str, version: str, specifier: str
) -> None:
    (row,) = declared(line)
    assert (row.name, row.version, row.specifier) == (name, version, specifier)
    assert bad_lines(line) == []


def test_extras_markers_and_hashes_stay_with_their_line() -> None:
    (row,) = declared(
        f"\n\nx[b,a]==1.0 ; python_version < \"3.12\" and sys_platform == 'linux' \\\n"
        f"    --hash=sha256:{SHA} \\\n    --hash sha256:{SHB}  # why\n"
    )
    assert row.extras == ("a", "b")
    assert row.marker == "python_version < \"3.12\" and sys_platform == 'linux'"
    assert row.hashes == (Digest("sha256", SHA), Digest("sha256", SHB))
    assert row.where.line == 3


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_lines_are_counted_as_an_editor_counts_them(end: str) -> None:
    text = end.join(["# one", "a==1", "b\\", "==2\\", "  # ends it", "", "c==3 # d", "-r x.txt"])
    rows = read(text)
    assert [(type(row).__name__, row.where.line) for row in rows] == [
        ("Declaration", 2),
        ("Declaration", 3),
        ("Declaration", 7),
        ("Include", 8),
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("# é\ncafé-free==1".encode().replace("café".encode(), b"cafe"), id="utf-8"),
        pytest.param(b"\xef\xbb\xbfcafe-free==1", id="utf-8 with mark"),
        pytest.param("cafe-free==1\r\n".encode("utf-16"), id="utf-16 with mark"),
        pytest.param(b"\xfe\xff" + "cafe-free==1".encode("utf-16-be"), id="utf-16-be with mark"),
        pytest.param(b"\xff\xfe\0\0" + "cafe-free==1".encode("utf-32-le"), id="utf-32 with mark"),
        pytest.param(b"# caf\xe9 \x81\ncafe-free==1", id="cp1252 with an open byte"),
        pytest.param(b"# -*- coding: utf-7 -*-\n+AGM-afe-free==1", id="a coding comment is honoured"),
        pytest.param(b"# vim\n# coding=latin-1\n# \xe9\ncafe-free==1", id="coding in the second line"),
    ],
)
def test_every_encoding_that_pip_reads_is_read(data: bytes) -> None:
    assert [(row.name, row.version) for row in declared(data)] == [("cafe-free", "1")]
    assert bad_lines(data) == []


def test_text_without_its_mark_is_read_and_said_to_be_odd() -> None:
    data = "torch==2.0\n".encode("utf-16-le")
    assert [row.name for row in declared(data)] == ["torch"]
    assert bad_lines(data) == [1]


def test_an_unknown_coding_comment_costs_a_finding_and_no_line() -> None:
    for name in (b"klingon", b"punycode", b"rot13", b"undefined", b"zlib_codec"):
        data = b"# coding: " + name + b"\ntorch==2.0\n"
        assert [row.name for row in declared(data)] == ["torch"]
        assert bad_lines(data) == [1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("-r base.txt", Include("base.txt", WHERE.at(line=1)), id="-r"),
        pytest.param("-rbase.txt", Include("base.txt", WHERE.at(line=1)), id="-r without a blank"),
        pytest.param("--requirement=base.txt", Include("base.txt", WHERE.at(line=1)), id="--requirement="),
        pytest.param("--requirem base.txt", Include("base.txt", WHERE.at(line=1)), id="abbreviated"),
        pytest.param('-r "my base.txt"', Include("my base.txt", WHERE.at(line=1)), id="quoted"),
        pytest.param("-c c.txt", Include("c.txt", WHERE.at(line=1), constraint=True), id="-c"),
        pytest.param("-i https://h/s", IndexUse("https://h/s", WHERE.at(line=1)), id="-i"),
        pytest.param("--pypi-url https://h/s", IndexUse("https://h/s", WHERE.at(line=1)), id="old name"),
        pytest.param(
            "--extra-index-url=https://h/s", IndexUse("https://h/s", WHERE.at(line=1), extra=True), id="extra"
        ),
        pytest.param(
            "--extra-i https://h/s",
            IndexUse("https://h/s", WHERE.at(line=1), extra=True),
            id="extra, cut short",
        ),
        pytest.param(
            "-f https://h/l.html",
            IndexUse("https://h/l.html", WHERE.at(line=1), extra=True, flat=True),
            id="-f",
        ),
        pytest.param(
            "--trusted-host pypi.corp:8080",
            IndexUse("pypi.corp:8080", WHERE.at(line=1), explicit=True, trusted=True),
            id="trusted host",
        ),
        pytest.param("--require-hashes", InstallMode(WHERE.at(line=1), require_hashes=True), id="hashes"),
        pytest.param("--pre", InstallMode(WHERE.at(line=1), pre=True), id="pre"),
    ],
)
def test_an_option_is_read_in_every_form_that_pip_takes(line: str, expected: Reading) -> None:
    assert read(line) == [expected]


@pytest.mark.parametrize(
    "line",
    ["--no-binary :all:", "--only-binary=torch", "--prefer-binary", "--use-feature=x", "-Z", "--no-index"],
)
def test_options_that_change_no_list_are_no_finding(line: str) -> None:
    assert read(line) == []


def test_no_index_silences_the_indexes_of_its_file() -> None:
    rows = read("--extra-index-url https://a/s\n--no-index\n-f https://b/l\n")
    assert [(row.url, row.flat) for row in rows if isinstance(row, IndexUse)] == [("https://b/l", True)]


@pytest.mark.parametrize(
    ("line", "name", "kind", "url", "fixed", "ref"),
    [
        pytest.param(
            f"q @ git+ssh://git@github.com/a/q.git@{COMMIT.upper()}",
            "q",
            OriginKind.VCS,
            "git+ssh://git@github.com/a/q.git",
            COMMIT,
            "",
            id="ssh with a commit",
        ),
        pytest.param(
            "-e git+https://github.com/a/q.git@v1#egg=q[x]&subdirectory=s",
            "q",
            OriginKind.VCS,
            "git+https://github.com/a/q.git",
            "",
            "v1",
            id="editable with an egg",
        ),
        pytest.param(
            "git+https://github.com/a/transformers",
            "transformers",
            OriginKind.VCS,
            "git+https://github.com/a/transformers",
            "",
            "",
            id="repository's name",
        ),
        pytest.param(
            "-e git://github.com/a/q.git#egg=q",
            "q",
            OriginKind.VCS,
            "git+git://github.com/a/q.git",
            "",
            "",
            id="git: becomes git+git:",
        ),
        pytest.param("-e .", "", OriginKind.PATH, ".", "", "", id="the project itself"),
        pytest.param("-e ../lib[dev]", "lib", OriginKind.PATH, "../lib", "", "", id="folder with extras"),
        pytest.param(
            "./w/x-1.0-py3-none-any.whl",
            "x",
            OriginKind.PATH,
            "./w/x-1.0-py3-none-any.whl",
            "",
            "",
            id="wheel",
        ),
        pytest.param("x-1.0.tar.gz", "x", OriginKind.PATH, "x-1.0.tar.gz", "", "", id="bare sdist is a file"),
        pytest.param("file:///opt/x-1.0.zip", "x", OriginKind.PATH, "/opt/x-1.0.zip", "", "", id="file URL"),
        pytest.param(
            "https://github.com/a/proj/archive/main.zip",
            "proj",
            OriginKind.URL,
            "https://github.com/a/proj/archive/main.zip",
            "",
            "",
            id="archive of a branch",
        ),
    ],
)
def test_a_place_instead_of_an_index_is_kept(
    line: str, name: str, kind: OriginKind, url: str, fixed: str, ref: str
) -> None:
    (row,) = declared(line)
    assert row.origin is not None
    assert (row.name, row.origin.kind, row.origin.url) == (name, kind, url)
    assert (row.origin.commit, row.origin.ref) == (fixed, ref)
    assert row.origin.editable is line.startswith("-e")


def test_a_wheel_url_tells_its_version_and_its_hash() -> None:
    url = "https://download.pytorch.org/whl/cu121/torch-2.1.0%2Bcu121-cp310-cp310-linux_x86_64.whl"
    (row,) = declared(f'{url}#sha256={SHA} ; sys_platform == "linux"')
    assert (row.name, row.version, row.hashes) == ("torch", "2.1.0+cu121", (Digest("sha256", SHA),))
    assert row.marker == 'sys_platform == "linux"'
    assert row.origin is not None
    assert row.origin.url == url


# --- caught: credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url https://bob:hunter2@h/simple",
        "-i https://hunter2@h/simple",
        "-i https://bob:hunt@hunter2@h/simple",
        "-i https://h/simple?access_token=hunter2",
        "-i https://bob:hun/hunter2@h/simple",
        "x @ git+https://oauth2:hunter2@h/x.git@main",
        "-e git+https://bob:hunter2@h/x.git#egg=x",
        "git+ssh://bob:hunter2@h/x.git",
        "https://bob:hunter2@h/x-1.0-py3-none-any.whl",
        "-f https://bob:hunter2@h/links",
    ],
)
def test_credentials_never_leave_the_reader(line: str) -> None:
    rows = read(line)
    assert "hunter2" not in repr(rows)
    (row,) = rows
    assert (
        row.had_credentials
        if isinstance(row, IndexUse)
        else (isinstance(row, Declaration) and row.origin is not None and row.origin.had_credentials)
    )


@pytest.mark.parametrize(
    "line",
    [
        "not a requirement https://bob:hunter2@h/x",
        "x==1.0 --no-such-option https://bob:hunter2@h/x",
        "x=1 https://bob:hun/hunter2@h/x",
        "-i 'https://bob:hunter2@h/x",
        "x @ https://bob:hunter2@h/${X}/y z",
        "x==" + "1" * 3000 + " https://bob:hunter2@h/x",
    ],
)
def test_credentials_are_masked_in_every_message(line: str) -> None:
    rows = read(line)
    assert any(isinstance(row, Evidence) for row in rows)
    assert "hunter2" not in repr(rows)


@pytest.mark.parametrize(
    "url",
    [
        "https://${USER}:${TOKEN}@h/simple",
        "https://${TOKEN}@h/simple",
        "https://h/simple?token=${TOKEN}",
        "https://h:8443/simple",
    ],
)
def test_a_variable_in_place_of_a_credential_is_none(url: str) -> None:
    (row,) = read(f"-i {url}")
    assert isinstance(row, IndexUse)
    assert not row.had_credentials
    (row,) = read("x @ git+ssh://git@github.com/a/x")
    assert isinstance(row, Declaration)
    assert row.origin is not None
    assert not row.origin.had_credentials


# --- broken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("two words", id="two words"),
        pytest.param("x=1.0", id="one equals sign"),
        pytest.param("x==1.0 ; nonsense", id="no marker"),
        pytest.param("x==1.0 --hash=sha256:zz", id="no hash"),
        pytest.param(f"x==1.0 --hash=sha256:{'a' * 63}", id="short hash"),
        pytest.param("-r", id="option without its value"),
        pytest.param("--no-such-thing", id="unknown option"),
        pytest.param("-q", id="unknown short option"),
        pytest.param("--index-url 'x", id="open quote"),
        pytest.param("x==${VERSION}", id="variable"),
        pytest.param("${WHOLE_LINE}", id="a variable alone"),
        pytest.param("<<<<<<< HEAD", id="merge conflict"),
        pytest.param("\x00\x01\x02\x03binary", id="binary"),
        pytest.param("x==" + "9" * 5000, id="a number that int() refuses"),
        pytest.param("x; " + "(" * 5000 + "os_name=='a'" + ")" * 5000, id="deep marker"),
        pytest.param("x; " + "(" * 39 + "os_name=='a'", id="open marker"),
        pytest.param("x" * 2_000_000 + "!", id="an endless line"),
    ],
)
def test_one_bad_line_is_one_finding_and_the_rest_is_read(line: str) -> None:
    text = f"first==1\n{line}\nlast==2\n"
    names = [row.name for row in declared(text)]
    assert names[0] == "first"
    assert names[-1] == "last"
    assert bad_lines(text) == [2]


@pytest.mark.parametrize(
    ("line", "meant"), [("x=>4.40", ">="), ("x=1", "=="), ("x =< 2", "<="), ("x^1.2", ">="), ("x~1.2", "~=")]
)
def test_an_operator_that_is_none_comes_with_the_one_that_may_be_meant(line: str, meant: str) -> None:
    (row,) = (row for row in read(line) if isinstance(row, Evidence))
    assert f"{meant} may be meant" in row.message


@pytest.mark.parametrize(
    ("line", "limit", "kept"),
    [("a\n", "declarations", 200_000), ("a b\n", "evidence_rows", 2_000)],
)
def test_a_file_without_end_reaches_a_limit_and_keeps_what_was_read(line: str, limit: str, kept: int) -> None:
    rows: list[Reading] = []
    with pytest.raises(LimitReached) as caught:
        rows.extend(requirements.parse((line * (kept + 10)).encode(), WHERE))
    assert caught.value.limit == limit
    assert len(rows) >= kept


def test_what_a_variable_hides_is_still_declared_by_name() -> None:
    (row,) = declared("torch[x]==${TORCH}")
    assert (row.name, row.extras, row.version, row.specifier) == ("torch", ("x",), "", "")


def test_a_message_cannot_move_the_terminal() -> None:
    (row,) = (row for row in read("bad \x1b[2J\u202e line") if isinstance(row, Evidence))
    assert "\x1b" not in row.message
    assert "\u202e" not in row.message


# --- evasions: a line that pip reads and a reader misses --------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# harmless\x0cevil==6.6", id="form feed ends a comment for pip"),
        pytest.param("# harmless\u2028evil==6.6", id="line separator ends a comment for pip"),
        pytest.param("# harmless \\\nevil==6.6", id="a comment is not continued"),
        pytest.param("evil\\\n==6.6", id="name split over lines"),
        pytest.param("evil==6.6 \\", id="continued at the end of the file"),
        pytest.param("\\\n\\\nevil==6.6", id="empty continuations"),
        pytest.param("ok==1 # c\revil==6.6", id="carriage return ends a comment"),
        pytest.param("# -*- coding: utf-7 -*-\n+AGU-vil==6.6", id="utf-7"),
        pytest.param("evil==6.6# not a comment? it is no version either", id="hash sign without a blank"),
        pytest.param("evil @ git+https://h/evil@main", id="direct reference"),
        pytest.param("\tevil==6.6\t", id="tabs"),
        pytest.param("evil==6.6 --no-such=x", id="an option that pip refuses"),
    ],
)
def test_what_pip_would_install_is_declared_or_reported(text: str) -> None:
    names = {row.name for row in declared(text)}
    assert "evil" in names or bad_lines(text)


@pytest.mark.parametrize(
    "text",
    [
        " " * 3_000_000 + "x==1",
        "x==1" + " " * 900_000 + "y",
        "x" + "-" * 900_000,
        "x[" + "a," * 300_000 + "]",
        "-i " + "://a:b/" * 100_000,
        "--hash " * 100_000,
        "\\\n" * 300_000,
        "x @ " + "(" * 900_000,
        "#" * 900_000,
    ],
    ids=["indent", "blanks", "dashes", "extras", "urls", "hashes", "continuations", "parens", "comment"],
)
def test_no_line_takes_more_than_linear_time(text: str) -> None:
    read(text)  # quadratic work would take minutes here


# --- as pip reads it --------------------------------------------------------------------------------------

TRICKY = [
    "a==1\nb>=2,<3 # c\n#d==1\n e==1 #f\n",
    "a==1 \\\n  --hash=sha256:" + SHA + "\nb==2\n",
    "a \\\n# comment\nb\n",
    "a==1\\\n\n\nb==2",
    "a[x,y]==1 ; python_version<'3.9'\nB.c_D==2.0.0+local\n",
    "x @ https://h/x-1.0-py3-none-any.whl\nhttps://h/y-2.0-py3-none-any.whl\n",
    "-e git+https://h/z.git@main#egg=z\ngit+https://h/w@v1#egg=w\n",
    "\ufeffa==1\n  b==2\n\tc==3\n",
    "a (>=1)\nb~=1.2\nc===1.0\nd!=1.*\n",
    "a==1\x0cb==2\u2028c==3\n",
    "--pre\n--index-url https://h/s\na==1 -i https://k/s\n",
    "a==1;python_version<'3'\nb; extra == 'x'\n",
    "a==1 --config-settings=k=v --hash sha256:" + SHA + "\n",
    "# coding: latin-1\na==1\n",
]


def as_pip_reads(path: Path) -> list[tuple[int, str, str, str]]:
    """Line, name, specifier and marker of each requirement, by pip's own reader."""
    from pip._internal.req import req_file
    from pip._internal.req.constructors import install_req_from_parsed_requirement

    parser = req_file.RequirementsFileParser(None, req_file.get_line_parser(None))  # type: ignore[arg-type]
    found = []
    for line in parser.parse(str(path), constraint=False):
        parsed = req_file.handle_line(line)
        if parsed is None:
            continue
        asked = install_req_from_parsed_requirement(parsed)
        assert asked.req is not None
        specifier = "" if asked.link else str(asked.specifier)
        found.append((line.lineno, normalise_name(asked.req.name), specifier, str(asked.markers or "")))
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("text", TRICKY, ids=range(len(TRICKY)))
def test_names_specifiers_and_markers_are_those_of_pips_own_reader(text: str, tmp_path: Path) -> None:
    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

    path = tmp_path / "requirements.txt"
    path.write_bytes(text.encode())
    with quiet():
        theirs = as_pip_reads(path)
    ours = [
        (
            row.where.line,
            normalise_name(row.name),
            str(SpecifierSet(row.specifier)),
            str(Marker(row.marker)) if row.marker else "",
        )
        for row in declared(text)
    ]
    if "\x0c" not in text:  # pip counts a form feed as a line; an editor does not
        assert ours == theirs
    assert [row[1:] for row in ours] == [row[1:] for row in theirs]


# --- properties -------------------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}([._-][a-z0-9]{1,4}){0,2}", fullmatch=True)
RELEASES = st.from_regex(
    r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9]{1,2})?(\.post[0-9])?(\.dev[0-9])?", fullmatch=True
)
LOCALS = st.sampled_from(["", "+cu121", "+cpu.1"])
MARKERS = st.sampled_from(["", "python_version < '3.12'", 'sys_platform == "linux" and os_name != "nt"'])


@st.composite
def pins(draw: st.DrawFn) -> tuple[str, str, str, tuple[str, ...], str, tuple[str, ...]]:
    name, version = draw(NAMES), draw(RELEASES) + draw(LOCALS)
    operator = draw(st.sampled_from(["==", "==", "==="]))
    extras = tuple(sorted(set(draw(st.lists(NAMES, max_size=2)))))
    hashes = tuple(sorted(set(draw(st.lists(st.sampled_from([SHA, SHB]), max_size=2)))))
    return name, operator, version, extras, draw(MARKERS), hashes


@settings(max_examples=80, deadline=None)
@given(st.lists(pins(), max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_rendered_is_what_is_read(
    rows: list[tuple[str, str, str, tuple[str, ...], str, tuple[str, ...]]], end: str, folded: bool
) -> None:
    text, expected, line = "", [], 1
    for name, operator, version, extras, marker, hashes in rows:
        glue = f" \\{end}    " if folded and hashes else " "
        text += f"{name}{'[' + ','.join(extras) + ']' if extras else ''}{operator}{version}"
        text += f" ; {marker}" if marker else ""
        text += "".join(f"{glue}--hash=sha256:{value}" for value in hashes) + end
        expected.append(
            (line, name, version, extras, marker, tuple(Digest("sha256", value) for value in hashes))
        )
        line += 1 + (len(hashes) if folded else 0)
    got = [
        (r.where.line, r.name, r.version, r.extras, r.marker.replace('"', "'"), r.hashes)
        for r in declared(text)
    ]
    assert got == [(*e[:4], e[4].replace('"', "'"), e[5]) for e in expected]
    assert bad_lines(text) == []


PIECES = st.lists(
    st.sampled_from(
        ["a", "Z9", "-", ".", "_", "[", "]", ",", "==", ">=", "~=", "!=", "1", "2.0", ".*", "+cu", "rc1", " ",
         ";",
         "python_version", "<", "'3'", "and", "(", ")", "@", "https://h/x", "===", "v", "!", "é", "\t"]
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(PIECES)
def test_our_own_expressions_admit_exactly_what_packaging_admits(pieces: list[str]) -> None:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet

    from scanner.manifests import pep508

    text = "".join(pieces)
    try:
        theirs = Requirement(text)
    except InvalidRequirement:
        with pytest.raises(pep508.InvalidRequirement):
            pep508.parse(text)
        return
    ours = pep508.parse(text)
    assert (ours.name, ours.url) == (theirs.name, theirs.url or "")
    assert set(ours.extras) == theirs.extras
    assert SpecifierSet(ours.specifier) == theirs.specifier
    assert bool(ours.marker) == bool(theirs.marker)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=120), st.text(max_size=120).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_bytes_end_in_readings(data: bytes) -> None:
    for row in requirements.parse(data, WHERE):
        assert row.where.path == "requirements.txt"
        assert row.where.line


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="a'\"\\ -=\t", max_size=12))
def test_the_words_of_a_line_are_those_of_a_shell(text: str) -> None:
    import shlex

    try:
        theirs = shlex.split(text)
    except ValueError:
        with pytest.raises(ValueError, match="quote"):
            requirements.words(text)
        return
    assert requirements.words(text) == theirs


def test_the_plain_form_needs_no_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from sbom.model import Location; from scanner.manifests import requirements as r;"
        'rows = list(r.parse(b\'torch==2.1.0+cu121 ; python_version < "3.12"\\nnumpy>=1,<2\\n'
        "x[a]==1 --hash=sha256:" + SHA + "\\n', Location('r.txt'))); assert len(rows) == 3, rows;"
        "bad = {'packaging', 'shlex', 'urllib', 'tomllib', 'optparse'} & set(sys.modules);"
        "assert not bad, bad"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
