"""DVC: what is tracked by which digest, where it came from, what stages install, what remotes give away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import dvc
from scanner.model import Declaration, Evidence, ManifestParser, Reading, Stage, Tracked

MD5 = "a304afb96060aad90176268345e10355"
COMMIT = "f31f5c4cdae787b4bdeb97a717687d44667d9e62"


def read(parse: ManifestParser, text: str, path: str = "data/x.dvc") -> list[Reading]:
    return list(parse(text.encode(), Location(path)))


def tracked(parse: ManifestParser, text: str) -> list[Tracked]:
    return [row for row in read(parse, text) if isinstance(row, Tracked)]


def test_a_tracked_file_has_its_digest_and_size() -> None:
    text = f"outs:\n- md5: {MD5}\n  size: 14445097\n  hash: md5\n  path: data.xml\n"
    (row,) = tracked(dvc.parse_tracked, text)
    assert (row.path, row.where.line, row.digests) == ("data.xml", 5, (Digest("md5", MD5),))
    assert [(fact.name.value, fact.value) for fact in row.facts] == [("size", 14445097)]


@pytest.mark.parametrize(
    ("lines", "algorithm"),
    [
        (f"md5: {MD5}", "md5-dos2unix"),
        (f"md5: {MD5}.dir", "md5-dos2unix.dir"),
        (f"md5: {MD5}.dir\n  hash: md5", "md5.dir"),
        (f"sha256: {MD5}{MD5}\n  hash: sha256", "sha256"),
        ("md5: nothex", ""),
        ("etag: x", ""),
    ],
)
def test_a_digest_says_what_it_was_taken_of(lines: str, algorithm: str) -> None:
    (row,) = tracked(dvc.parse_tracked, f"outs:\n- path: d\n  {lines}\n")
    assert [digest.algorithm for digest in row.digests] == ([algorithm] if algorithm else [])


def test_an_import_tells_where_it_came_from() -> None:
    repo = (
        "deps:\n- path: d\n  repo:\n    url: https://u:p@h/r.git\n    rev: v1\n"
        f"    rev_lock: {COMMIT}\nouts:\n- path: d\n"
    )
    (row,) = tracked(dvc.parse_tracked, repo)
    assert row.origin is not None
    assert (row.origin.url, row.origin.commit, row.origin.had_credentials) == (
        "https://h/r.git",
        COMMIT,
        True,
    )
    (row,) = tracked(dvc.parse_tracked, "deps:\n- path: s3://b/k\n  etag: x\nouts:\n- path: k\n")
    assert row.origin is not None
    assert row.origin.url == "s3://b/k"


@pytest.mark.parametrize("text", ["", "a: 1", "- outs", "outs: [", "&a [*a]"])
def test_what_dvc_never_wrote_is_told(text: str) -> None:
    with pytest.raises(Malformed):
        read(dvc.parse_tracked, text)


PIPELINE = """\
vars:
  - ver: 2.1.0
stages:
  prep:
    cmd: pip install torch==${ver} pandas && python prep.py
    deps: [prep.py]
    outs:
      - data/prepared
  fe:
    foreach: [a, b]
    do:
      cmd:
        - pip install -q ${item} numpy
        - |
          echo
          pip install flask==${nobody.knows}
      deps: ["s3://bucket/x.csv"]
      outs:
        - models/${item}.pt:
            cache: false
  m:
    matrix: {lib: [lxml, nltk], n: [1]}
    cmd: pip install ${item.lib}==${item.n}
    wdir: sub
    outs: [o]
artifacts:
  net:
    path: models/net.bin
    type: model
"""


def test_stages_install_read_and_write() -> None:
    rows = read(dvc.parse_pipeline, PIPELINE)
    asked = [(row.name, row.version, row.where.line) for row in rows if isinstance(row, Declaration)]
    assert asked == [
        ("torch", "2.1.0", 5),
        ("pandas", "", 5),
        ("a", "", 13),
        ("numpy", "", 13),
        ("flask", "", 16),
        ("b", "", 13),
        ("lxml", "1", 23),
        ("nltk", "1", 23),
    ]
    files = [(row.path, row.kind, row.joins, row.where.line) for row in rows if isinstance(row, Tracked)]
    assert files == [
        ("data/prepared", "", False, 8),
        ("prep.py", "", True, 6),
        ("models/a.pt", "", False, 19),
        ("s3://bucket/x.csv", "", False, 17),
        ("models/b.pt", "", False, 19),
        ("sub/o", "", False, 25),
        ("models/net.bin", "model", False, 28),
    ]
    assert [(row.rule, row.where.line) for row in rows if isinstance(row, Evidence)] == [("COV-005", 16)]


def test_a_lock_tells_what_was_written_and_joins_what_was_read() -> None:
    text = (
        f"schema: '2.0'\nstages:\n  p:\n    cmd: x\n    deps:\n    - path: d.csv\n      md5: {MD5}\n"
        f"      hash: md5\n    outs:\n    - path: o\n      md5: {MD5}.dir\n      nfiles: 2\n"
    )
    found = [(row.path, row.joins, row.where.line) for row in tracked(dvc.parse_lock, text)]
    assert found == [("o", False, 10), ("d.csv", True, 6)]
    with pytest.raises(Malformed):
        read(dvc.parse_lock, "a: 1")


def test_a_matrix_that_explodes_is_cut_short() -> None:
    axes = "".join(f"      a{at}: [{','.join(map(str, range(50)))}]\n" for at in range(6))
    text = f"stages:\n  s:\n    matrix:\n{axes}    cmd: pip install x==${{item.a5}}\n"
    rows = read(dvc.parse_pipeline, text)
    assert sum(isinstance(row, Stage) for row in rows) <= 64
    assert sum(isinstance(row, Declaration) for row in rows) <= 64
    with pytest.raises(LimitReached):
        read(dvc.parse_pipeline, "stages: " + "{a: " * 300 + "}" * 300)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("url = s3://b/x", False),
        ("url = https://u:p@h/x", True),
        ("password = hunter2", True),
        ("Secret_Access_Key=abc", True),
        ("access_key_id = AKIA", False),
        ("# password = x", False),
        ("password = ${PW}", False),
        ("password =", False),
    ],
)
def test_a_credential_of_a_remote_is_told(line: str, found: bool) -> None:
    rows = read(dvc.parse_config, f"[core]\n    remote = st\n['remote \"st\"']\n    {line}\n", ".dvc/config")
    seen = [(row.rule, row.where.line) for row in rows if isinstance(row, Evidence)]
    assert seen == ([("DEP-013", 4)] if found else [])
    assert all("hunter2" not in str(row) and "abc" not in str(row) for row in rows)


@given(st.lists(st.from_regex(r"[a-z]{1,8}\.csv", fullmatch=True), min_size=1, max_size=6, unique=True))
def test_a_rendered_lock_reads_back(names: list[str]) -> None:
    outs = "".join(f"    - path: {name}\n      hash: md5\n      md5: {MD5}\n" for name in names)
    rows = tracked(dvc.parse_lock, f"schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n{outs}")
    assert [(row.path, row.where.line, row.digests) for row in rows] == [
        (name, 6 + 3 * at, (Digest("md5", MD5),)) for at, name in enumerate(names)
    ]


def test_what_dvc_itself_wrote_is_read() -> None:
    # Written by DVC 3 with `dvc add raw`, `dvc repro`, `dvc remote add` and `dvc remote modify`.
    added = "outs:\n- md5: 6ea46d53348e675e87743182f72de908.dir\n  nfiles: 2\n  hash: md5\n  path: raw\n"
    (row,) = tracked(dvc.parse_tracked, added)
    assert (row.path, row.digests) == ("raw", (Digest("md5.dir", "6ea46d53348e675e87743182f72de908"),))
    assert [(fact.name.value, fact.value) for fact in row.facts] == [("files", 2)]
    config = (
        "[core]\n    remote = st\n"
        "['remote \"st\"']\n    url = s3://bucket/x\n    endpointurl = https://minio\n"
    )
    assert read(dvc.parse_config, config, ".dvc/config") == []
