"""Who published a release, as its index attests, against who published the one before it."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import Malformed
from scanner.integrity import provenance
from scanner.limits import Limits
from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy
from tests.advisories.mirror import reply
from tests.integrity.simple import File, Index, Project

A, B = "a" * 64, "b" * 64
OURS = {"kind": "GitHub", "repository": "org/x", "workflow": "release.yml"}
THEIRS = {"kind": "GitHub", "repository": "other/x", "workflow": "release.yml"}


def document(publisher: object, sha256: str) -> bytes:
    statement = {"subject": [{"name": "x.tar.gz", "digest": {"sha256": sha256}}]}
    envelope = {"statement": b64encode(json.dumps(statement).encode()).decode(), "signature": ""}
    bundle = {"publisher": publisher, "attestations": [{"envelope": envelope}]}
    return json.dumps({"version": 1, "attestation_bundles": [bundle]}).encode()


def verified(root: Path, index: Index, now: bytes | None, before: bytes | None) -> Report:
    files = [
        File("x-1.4.tar.gz", B, provenance="/p/4" if before else None),
        File("x-1.5.tar.gz", A, provenance="/p/5" if now else None),
    ]
    index.put(Project("x", files, tells_provenance=True))
    for path, body in (("/p/4", before), ("/p/5", now)):
        if body:
            index.at(path, reply(200, body, Content_Type="application/vnd.pypi.integrity.v1+json"))
    tree = root / "tree"
    tree.mkdir(exist_ok=True)
    (tree / "requirements.txt").write_text(f"x==1.5 --hash=sha256:{A}\n")
    limits = Limits(index_pause_s=0.01, index_per_second=10_000.0)
    now_ = datetime(2026, 11, 24, tzinfo=UTC)
    return scan(
        tree,
        Policy(check_advisories=False, verify_index=True, index_url=index.url, limits=limits, now=now_),
    )


PYLOCK = """lock-version = "1.0"
created-by = "x"
[[packages]]
name = "x"
version = "1.5"
index = "https://pypi.org/simple"
sdist = { url = "https://h/x-1.5.tar.gz", hashes = { sha256 = "%s" } }
[[packages.attestation-identities]]
kind = "GitHub"
repository = "org/x"
workflow = "release.yml"
"""


@pytest.mark.parametrize(
    ("publisher", "rule", "words"),
    [
        pytest.param(OURS, "", "", id="the same"),
        pytest.param({**OURS, "workflow": "other.yml"}, "", "", id="another workflow"),
        pytest.param(THEIRS, "ORG-004", "locked as published by GitHub org/x", id="another"),
        pytest.param({}, "ORG-004", "nobody who is named", id="nobody"),
        pytest.param(None, "DEP-023", "has none any more", id="no attestation"),
    ],
)
def test_a_lock_s_publisher_is_held_against_the_index(
    tmp_path: Path, index: Index, publisher: dict[str, str] | None, rule: str, words: str
) -> None:
    told = publisher is not None
    file = File("x-1.5.tar.gz", A, provenance="/p/5" if told else None)
    index.put(Project("x", [file], tells_provenance=True))
    index.at("/p/5", reply(200, document(publisher, A), Content_Type=provenance.ACCEPT.partition(",")[0]))
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "pylock.toml").write_text(PYLOCK % A)
    policy = Policy(check_advisories=False, verify_index=True, index_url=index.url)
    found = [
        row for row in scan(tmp_path / "tree", policy).findings if row.evidence.rule in {"ORG-004", "DEP-023"}
    ]
    assert [row.evidence.rule for row in found] == ([rule] if rule else [])
    assert words in "".join(row.evidence.message for row in found)


def rules(report: Report) -> list[str]:
    return [row.evidence.rule for row in report.findings]


def source(report: Report) -> tuple[str, str]:
    return next((row.state, row.detail) for row in report.sources if row.name == "index attestations")


def test_the_same_publisher_is_named_and_no_finding(tmp_path: Path, index: Index) -> None:
    report = verified(tmp_path, index, document(OURS, A), document(OURS, B))
    assert rules(report) == []
    state, detail = source(report)
    assert state == "current"
    assert "1 of 1 direct releases are attested" in detail
    assert "GitHub org/x" in detail
    verified(tmp_path, index, document(OURS, A), document(OURS, B))
    assert [path for path, _ in index.asked].count("/p/5") == 1  # of one file it never changes


def test_another_workflow_of_the_same_repository_is_the_same_publisher(tmp_path: Path, index: Index) -> None:
    renamed = {**OURS, "workflow": "publish.yml"}
    assert rules(verified(tmp_path, index, document(renamed, A), document(OURS, B))) == []


@pytest.mark.parametrize(
    ("now", "before", "rule", "words"),
    [
        pytest.param(document(THEIRS, A), document(OURS, B), "DEP-023", "by GitHub org/x", id="another"),
        pytest.param(None, document(OURS, B), "DEP-023", "no attestation", id="none any more"),
        pytest.param(document(OURS, B), document(OURS, B), "HSH-005", "is about bbbb", id="other bytes"),
    ],
)  # fmt: skip
def test_a_release_that_was_published_another_way_is_told(
    tmp_path: Path, index: Index, now: bytes | None, before: bytes, rule: str, words: str
) -> None:
    report = verified(tmp_path, index, now, before)
    assert rules(report) == [rule]
    assert words in report.findings[0].evidence.message


@pytest.mark.parametrize("body", [b"x", b"[]", b'{"attestation_bundles": 3}', b"[" * 50_000])
def test_a_provenance_that_cannot_be_read_is_coverage(tmp_path: Path, index: Index, body: bytes) -> None:
    with pytest.raises(Malformed):
        provenance.parse(body)
    report = verified(tmp_path, index, body, None)
    assert source(report)[0] == "partial"
    assert report.verdict.exit_code == 3


@pytest.mark.parametrize(
    "publisher",
    [None, {}, {"kind": 3}, {"kind": "GitHub", "repository": ["x"]}, "x", {"repository": "org/x"}],
)
def test_an_odd_publisher_is_none_or_what_it_says(publisher: object) -> None:
    found = provenance.parse(document(publisher, A))
    assert found.publishers in {(), ("GitHub",)}
    assert found.subjects == (A,)


def test_what_a_publisher_calls_itself_moves_no_terminal() -> None:
    found = provenance.parse(document({"kind": "GitHub", "repository": "org/\x1b[2Jx"}, A))
    assert "\x1b" not in found.publishers[0]


def test_no_address_of_another_host_is_asked(tmp_path: Path, index: Index) -> None:
    port = index.url.split(":")[2].split("/")[0]
    address = f"http://localhost:{port}/p/5"
    index.put(Project("x", [File("x-1.5.tar.gz", A, provenance=address)], tells_provenance=True))
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "requirements.txt").write_text(f"x==1.5 --hash=sha256:{A}\n")
    scan(tree, Policy(check_advisories=False, verify_index=True, index_url=index.url))
    assert [path for path, _ in index.asked] == ["/simple/x/"]


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["attestation_bundles", "publisher", "attestations",
                                                       "envelope", "statement", "kind"]), inner, max_size=4),
                    max_leaves=12))  # fmt: skip
def test_any_json_is_a_provenance_or_malformed(told: object) -> None:
    body = json.dumps({"attestation_bundles": [told]}).encode()
    assert provenance.parse(body).subjects == ()
