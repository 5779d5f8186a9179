"""``scan --verify-index`` against an index on loopback: honest, wrong, yanked, slow, broken, hostile."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sbom.record import replace
from scanner.limits import Limits
from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy
from tests.advisories.mirror import reply
from tests.cli.command import weighbridge
from tests.integrity.simple import HTML, JSON, File, Index, Project, as_json, running

A, B, C = "a" * 64, "b" * 64, "c" * 64
NOW = datetime(2026, 11, 24, tzinfo=UTC)
QUICK = Limits(index_pause_s=0.01, index_per_second=10_000.0)
X = Project("x", [File("x-1.5-py3-none-any.whl", A), File("x-1.5.tar.gz", B), File("x-1.6.tar.gz", C)])

Answers = Callable[[BaseHTTPRequestHandler], None]


def verified(
    root: Path, index: Index, files: str | dict[str, str], limits: Limits = QUICK, **settings: object
) -> Report:
    folder = root / "tree"
    folder.mkdir(exist_ok=True)
    for name, text in ({"requirements.txt": files} if isinstance(files, str) else files).items():
        (folder / name).write_text(text)
    policy = Policy(check_advisories=False, verify_index=True, index_url=index.url, limits=limits, now=NOW)
    return scan(folder, replace(policy, **settings))


def rules(report: Report) -> list[str]:
    """The rules that fired, but those about pins alone."""
    pins = {"DEP-001", "DEP-002", "DEP-007"}
    return [row.evidence.rule for row in report.findings if row.evidence.rule not in pins]


def message(report: Report, rule: str) -> str:
    return next(row.evidence.message for row in report.findings if row.evidence.rule == rule)


def pin(*hashes: str, name: str = "x", version: str = "1.5") -> str:
    return f"{name}=={version} " + " ".join(f"--hash=sha256:{one}" for one in hashes) + "\n"


# --- honest -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [JSON, HTML])
@pytest.mark.parametrize("line", [pin(A, B), pin(B), "x==1.5\n", "x>=1\n", pin(A, name="X")])
def test_what_the_index_published_is_no_finding(tmp_path: Path, index: Index, kind: str, line: str) -> None:
    index.put(X, kind)
    report = verified(tmp_path, index, line)
    assert rules(report) == []
    assert report.verdict.exit_code == 0
    source = next(row for row in report.sources if row.name.startswith("index"))
    assert (source.state, source.records, source.as_of) == ("current", 1, "2026-11-24T00:00:00Z")


def test_each_name_is_asked_once_and_nothing_else_is_sent(tmp_path: Path, index: Index) -> None:
    index.put(X)
    index.put(Project("y", [File("y-1.tar.gz", A)]))
    verified(tmp_path, index, {"requirements.txt": pin(A) + pin(A, name="y", version="1"), "dev.txt": "x\n"})
    assert index.names == ["x", "y"]
    for _, headers in index.asked:
        assert set(headers) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}


def test_a_page_is_kept_and_asked_after_by_its_etag(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.put(X)
    verified(tmp_path, index, pin(A))
    verified(tmp_path, index, pin(A))
    assert index.names == ["x"]  # young enough
    monkeypatch.setattr("scanner.integrity.online._FRESH_S", 0.0)
    assert rules(verified(tmp_path, index, pin(C))) == ["HSH-007"]
    assert index.names == ["x", "x"]
    assert "If-None-Match" in index.asked[-1][1]


def test_a_kept_page_that_was_changed_is_asked_for_anew(tmp_path: Path, index: Index) -> None:
    index.put(X)
    verified(tmp_path, index, pin(A))
    (kept,) = (tmp_path / "own-cache" / "index").iterdir()
    kept.write_bytes(kept.read_bytes().replace(A.encode(), C.encode()))
    assert rules(verified(tmp_path, index, pin(A))) == []
    assert index.names == ["x", "x"]


def test_private_names_never_leave(tmp_path: Path, index: Index) -> None:
    index.put(X)
    report = verified(
        tmp_path, index, pin(A) + pin(B, name="Acme_Core") + "acme-tools\n", private=("acme-*", "ACME_core")
    )
    assert index.names == ["x"]
    assert rules(report) == []
    assert any("left out 2 packages that match `private`" in each for each in report.notices)


def test_an_index_that_the_lock_names_is_asked_about_its_own(tmp_path: Path, index: Index) -> None:
    with running() as other:
        other.put(Project("y", [File("y-2.tar.gz", B)]))
        index.put(X)
        lock = (
            f'version = 1\n[[package]]\nname = "y"\nversion = "2"\nsource = {{ registry = "{other.url}" }}\n'
            f'sdist = {{ url = "https://h/y.tar.gz", hash = "sha256:{B}" }}\n'
            '[[package]]\nname = "x"\nversion = "1.5"\nsource = { registry = "https://pypi.org/simple" }\n'
            f'wheels = [{{ url = "https://h/x.whl", hash = "sha256:{A}" }}]\n'
        )
        report = verified(tmp_path, index, {"uv.lock": lock}, ask_indexes=(other.url,))
        assert (index.names, other.names) == (["x"], ["y"])
    assert rules(report) == []


def test_an_index_that_only_the_tree_names_is_not_asked_and_told(tmp_path: Path, index: Index) -> None:
    with running() as other:
        other.put(Project("x", [File("x-1.5.tar.gz", A)]))
        index.put(X)
        report = verified(tmp_path, index, f"--extra-index-url {other.url}\n{pin(A)}")
        assert (index.names, other.names) == (["x"], [])
    assert "HSH-013" in rules(report)
    assert "only the scanned files name it" in message(report, "HSH-013")
    assert report.verdict.exit_code == 3


def test_credentials_of_an_index_are_the_user_s_own(tmp_path: Path, index: Index) -> None:
    with running() as other:
        other.put(Project("x", [File("x-1.5.tar.gz", C)]))
        index.put(X)
        own = other.url.replace("http://", "http://me:s3same@")
        report = verified(tmp_path, index, f"--extra-index-url {other.url}/\n{pin(C)}", ask_indexes=(own,))
        assert "Authorization" in other.asked[0][1]
    assert "HSH-007" not in rules(report)
    assert "s3same" not in repr(report)


def test_a_hash_that_only_the_second_index_has_is_known(tmp_path: Path, index: Index) -> None:
    with running() as other:
        other.put(Project("x", [File("x-1.5-cp311-cp311-linux_x86_64.whl", C)]))
        index.put(X)
        files = f"--extra-index-url {other.url}\n{pin(C)}"
        report = verified(tmp_path, index, files, ask_indexes=(other.url,))
        assert (index.names, other.names) == (["x"], ["x"])
    assert "HSH-007" not in rules(report)


# --- caught -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [JSON, HTML])
def test_a_hash_that_the_index_does_not_know_is_severe(tmp_path: Path, index: Index, kind: str) -> None:
    index.put(X, kind)
    report = verified(tmp_path, index, pin("d" * 64))
    (found,) = [row for row in report.findings if row.evidence.rule == "HSH-007"]
    assert found.level == "critical"
    assert str(found.evidence.where) == "requirements.txt:1"
    assert report.verdict.exit_code == 1


def test_a_hash_of_another_release_is_told_as_that(tmp_path: Path, index: Index) -> None:
    index.put(X)
    assert "it is that of x-1.6.tar.gz" in message(verified(tmp_path, index, pin(C)), "HSH-007")


def test_one_unknown_hash_among_known_ones_is_told_too(tmp_path: Path, index: Index) -> None:
    index.put(X)
    text = message(verified(tmp_path, index, pin(A, "d" * 64)), "HSH-007")
    assert "others of the lock are" in text


@pytest.mark.parametrize(
    ("project", "line", "rule", "words"),
    [
        pytest.param(Project("x", [File("x-1.5.tar.gz", A, yanked="leaks\x1b[31m keys")]), pin(A), "ADV-005",
                     "was yanked by its makers: leaks", id="yanked with a reason"),
        pytest.param(Project("x", [File("x-1.5.tar.gz", A, yanked=True)]), "x==1.5\n", "ADV-005",
                     "without a reason", id="yanked without one"),
        pytest.param(Project("x", [File("x-1.6.tar.gz", A)]), "x==1.5\n", "ADV-005",
                     "has no release 1.5", id="gone"),
        pytest.param(Project("x", [], versions=["1.5"]), "x==1.5\n", "ADV-005", "no file of", id="empty"),
        pytest.param(Project("x", [File("x-1.5.tar.gz", A)], status="archived", reason="moved"),
                     pin(A), "ADV-007", "no more releases are to come (moved)", id="archived"),
        pytest.param(Project("x", [File("x-1.5.tar.gz", A)], status="deprecated"), pin(A), "ADV-007",
                     "deprecated", id="deprecated"),
        pytest.param(Project("x", [], status="quarantined"), "x>=1\n", "ADV-005",
                     "in quarantine", id="quarantined"),
        pytest.param(Project("x", [File("x-1.4.tar.gz", B, provenance="/p"), File("x-1.5.tar.gz", A)],
                             tells_provenance=True),
                     pin(A), "DEP-023", "x 1.4 before it has", id="no attestation"),
    ],
)  # fmt: skip
def test_what_the_index_says_of_a_release_is_told(
    tmp_path: Path, index: Index, project: Project, line: str, rule: str, words: str
) -> None:
    index.put(project)
    report = verified(tmp_path, index, line)
    assert rules(report) == [rule]
    assert words in message(report, rule)
    assert "\x1b" not in message(report, rule)


def test_a_name_that_no_index_knows_is_told(tmp_path: Path, index: Index) -> None:
    report = verified(tmp_path, index, "no-such-thing==1\n")
    assert rules(report) == ["DEP-005"]
    assert 'private = ["no-such-thing"]' in next(
        row.remedy for row in report.findings if row.evidence.rule == "DEP-005"
    )


@pytest.mark.parametrize(
    ("uploaded", "days", "expected"),
    [
        pytest.param("2026-11-22T12:00:00Z", 7, ["DEP-011"], id="younger"),
        pytest.param("2026-11-10T12:00:00Z", 7, [], id="older"),
        pytest.param("2026-11-23T12:00:00Z", 0, [], id="no waiting time asked"),
        pytest.param("2026-12-24T12:00:00Z", 7, ["DEP-011"], id="from the future"),
        pytest.param("yesterday", 7, [], id="no moment"),
    ],
)
def test_a_release_younger_than_the_waiting_time_is_told(
    tmp_path: Path, index: Index, uploaded: str, days: int, expected: list[str]
) -> None:
    index.put(Project("x", [File("x-1.5.tar.gz", A, uploaded=uploaded)]))
    report = verified(tmp_path, index, pin(A), cooldown_days=days)
    assert [rule for rule in rules(report) if rule != "DEP-019"] == expected


# --- broken -----------------------------------------------------------------------------------------------


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        return


def cut(handler: BaseHTTPRequestHandler) -> None:
    reply(200, b'{"files": [', Content_Type=JSON, Content_Length="5000")(handler)


BOMB = gzip.compress(b" " * 30_000_000)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(reply(500), "answered 500", id="an error"),
        pytest.param(reply(403), "answered 403", id="forbidden"),
        pytest.param(reply(200, b"<html>log in</html>", Content_Type="text/plain"), "simple page", id="text"),
        pytest.param(reply(200, b"[]", Content_Type=JSON), "no list of files", id="other JSON"),
        pytest.param(reply(302, Location="http://localhost:9/simple/x/"), "another place", id="a redirect"),
        pytest.param(reply(302, Location="/simple/x/"), "redirects more than", id="a circle"),
        pytest.param(reply(200, BOMB, Content_Type=JSON, Content_Encoding="gzip"), "page_bytes", id="bomb"),
        pytest.param(reply(200, b"{}", Content_Type=JSON, Content_Encoding="br"), "packed as br", id="br"),
        pytest.param(reply(200, BOMB[:900], Content_Type=JSON, Content_Encoding="gzip"), "early", id="half"),
        pytest.param(reply(200, b"x", Content_Type=JSON, Content_Encoding="gzip"), "packing", id="no gzip"),
        pytest.param(reply(200, b" " * 2_000_000, Content_Type=JSON), "index_page_bytes", id="a huge page"),
        pytest.param(cut, "broke off", id="cut"),
        pytest.param(drip, "not whole", id="dripping"),
    ],
)  # fmt: skip
def test_an_index_that_gives_no_answer_is_coverage(
    tmp_path: Path, index: Index, answer: Answers, why: str
) -> None:
    index.odd("x", answer)
    limits = replace(QUICK, index_page_bytes=1_000_000, index_deadline_s=0.3)
    report = verified(tmp_path, index, pin(A), limits)
    assert rules(report) == ["HSH-013"]
    assert why in message(report, "HSH-013")
    assert report.verdict.exit_code == 3
    assert index.url in report.verdict.sentence
    assert next(row.state for row in report.sources if row.name.startswith("index")) == "failed"


def test_a_packed_page_is_unpacked(tmp_path: Path, index: Index) -> None:
    index.odd("x", reply(200, gzip.compress(as_json(X)), Content_Type=JSON, Content_Encoding="gzip"))
    assert rules(verified(tmp_path, index, pin("d" * 64))) == ["HSH-007"]


def test_an_index_that_comes_back_is_asked_again(tmp_path: Path, index: Index) -> None:
    left = [2]

    def sometimes(handler: BaseHTTPRequestHandler) -> None:
        left[0] -= 1
        if left[0] >= 0:
            reply(503, Retry_After="0")(handler)
        else:
            reply(200, as_json(X), Content_Type=JSON)(handler)

    index.odd("x", sometimes)
    assert rules(verified(tmp_path, index, pin(A))) == []
    assert index.names == ["x", "x", "x"]


def test_an_index_that_failed_often_is_asked_no_more(tmp_path: Path, index: Index) -> None:
    lines = ""
    for at in range(40):
        index.odd(f"pkg{at}", reply(500))
        lines += pin(A, name=f"pkg{at}")
    limits = replace(QUICK, index_attempts=1, index_at_once=1)
    report = verified(tmp_path, index, lines, limits)
    assert len(index.names) == limits.index_failures
    assert "32 more" in message(report, "HSH-013")


def test_nobody_listening_is_coverage_and_one_index_does_not_cost_the_other(
    tmp_path: Path, index: Index
) -> None:
    index.put(X)
    lock = (
        '[[package]]\nname = "y"\nversion = "2"\nsource = { registry = "http://127.0.0.1:9/simple" }\n'
        f'sdist = {{ url = "https://h/y.tar.gz", hash = "sha256:{B}" }}\n'
        '[[package]]\nname = "x"\nversion = "1.5"\nsource = { registry = "https://pypi.org/simple" }\n'
        f'wheels = [{{ url = "https://h/x.whl", hash = "sha256:{C}" }}]\n'
    )
    report = verified(tmp_path, index, {"uv.lock": f"version = 1\n{lock}"})
    assert sorted(rules(report)) == ["HSH-007", "HSH-013"]
    assert "http://127.0.0.1:9/simple" in message(report, "HSH-013")


def test_what_a_silent_second_index_might_have_counts_against_nobody(tmp_path: Path, index: Index) -> None:
    index.put(X)
    report = verified(tmp_path, index, f"--extra-index-url http://127.0.0.1:9/s\n{pin('d' * 64)}")
    assert "HSH-007" not in rules(report)
    assert "HSH-013" in rules(report)


def test_hashes_that_cannot_be_compared_are_said(tmp_path: Path, index: Index) -> None:
    index.put(Project("x", [File("x-1.5.tar.gz")]))
    report = verified(tmp_path, index, pin(A))
    assert rules(report) == ["HSH-013"]


# --- evasions ---------------------------------------------------------------------------------------------


def test_no_credential_is_sent_to_another_host_or_printed(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password sesame\n")
    monkeypatch.setenv("NETRC", str(netrc))
    port = index.url.split(":")[2].split("/")[0]
    index.odd("x", reply(302, Location=f"http://localhost:{port}/simple/y/"))
    index.put(Project("y", [File("y-1.tar.gz", A)]))
    report = verified(tmp_path, index, pin(A))
    assert [path for path, _ in index.asked] == ["/simple/x/"]
    assert "sesame" not in repr(report)


def test_a_url_with_credentials_shows_them_in_no_report(tmp_path: Path, index: Index) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "requirements.txt").write_text(
        f"--extra-index-url https://me:s3same@packages.example.invalid/simple?token=s3same\n{pin(A)}"
        f"y @ https://me:s3same@h.example.invalid/y-1.tar.gz\n-i https://s3same@corp.example.invalid/s\n"
    )
    index.put(X)
    outputs = ["text", "json", "sarif", "cyclonedx", "openvex"]
    for name in outputs:
        done = weighbridge("scan", ".", "-f", name, "-v", "--no-advisories", cwd=tree)
        assert done.code in {0, 1, 3}, done.err
        assert "s3same" not in done.out + done.err


def test_credentials_of_a_mirror_are_sent_to_it_and_shown_and_kept_nowhere(
    tmp_path: Path, index: Index
) -> None:
    index.put(X)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "requirements.txt").write_text(pin(A) + "y==1\n")
    index.odd("y", reply(403))
    mirror = index.url.replace("http://", "http://me:s3same@")
    for name in ("text", "json", "sarif", "cyclonedx"):
        done = weighbridge("scan", ".", "--verify-index", "--index-url", mirror, "-f", name, "-vv", cwd=tree,
                           cache=tmp_path / "cache")  # fmt: skip
        assert done.code == 3
        assert "s3same" not in done.out + done.err
    assert all("Authorization" in headers for _, headers in index.asked)
    kept = [file for file in (tmp_path / "cache" / "index").rglob("*") if file.is_file()]
    assert kept
    assert not any(b"s3same" in file.read_bytes() for file in kept)


def test_names_with_other_letters_stay_in_their_place(tmp_path: Path, index: Index) -> None:
    lock = (
        'version = 1\n[[package]]\nname = "../../admin?x=1#"\nversion = "1"\n'
        f'source = {{ registry = "{index.url}" }}\n'
    )
    verified(tmp_path, index, {"uv.lock": lock})
    assert all(path.startswith("/simple/") and ".." not in path.split("/") for path, _ in index.asked)


# --- the command ------------------------------------------------------------------------------------------


def test_the_command_says_what_it_sends_and_exits_by_what_it_found(tmp_path: Path, index: Index) -> None:
    index.put(X)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "requirements.txt").write_text(pin(A))
    arguments = ("scan", ".", "--verify-index", "--index-url", index.url, "--no-advisories", "-f", "json")
    done = weighbridge(*arguments, cwd=tree)
    assert done.code == 0, done.out
    assert f"--verify-index asks {index.url}" in done.err
    assert [row["state"] for row in done.json["sources"] if row["name"].startswith("index")] == ["current"]
    (tree / "requirements.txt").write_text(pin(C))
    assert weighbridge(*arguments, cwd=tree).code == 1
    by_environment = weighbridge("scan", ".", "--verify-index", "--no-advisories", cwd=tree,
                                 WEIGHBRIDGE_INDEX_URL=index.url)  # fmt: skip
    assert by_environment.code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--verify-index", "--pack", "airgap"), "forbids the network"),
        (("--verify-index", "--index-url", "ftp://h/simple"), "--index-url"),
        (("--verify-index", "--ask-index", "ftp://h/simple"), "--ask-index"),
    ],
)
def test_what_cannot_be_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    done = weighbridge("scan", ".", *arguments, cwd=tree)
    assert done.code == 2
    assert words in done.err


def test_without_the_option_nobody_is_asked(tmp_path: Path, index: Index) -> None:
    index.put(X)
    verified(tmp_path, index, pin(C), verify_index=False)
    assert index.asked == []


def test_the_report_does_not_depend_on_who_answered_first(tmp_path: Path, index: Index) -> None:
    lines = "".join(pin(sha256(bytes([at])).hexdigest(), name=f"pkg{at}", version="1") for at in range(30))
    for at in range(30):
        index.put(Project(f"pkg{at}", [File(f"pkg{at}-1.tar.gz", A)]))
    one, other = (verified(tmp_path, index, lines) for _ in range(2))
    assert json.dumps([repr(row) for row in one.findings]) == json.dumps(
        [repr(row) for row in other.findings]
    )
    assert len([rule for rule in rules(one) if rule == "HSH-007"]) == 30


# --- two indexes ------------------------------------------------------------------------------------------


def shared(
    root: Path, index: Index, tracks: str, beside: str, *, here: bool = True, there: bool = True
) -> Report:
    """A second index and its names without hashes; ``tracks`` and ``beside`` are what the two say."""
    with running() as other:
        if there:
            said = tracks.replace("FIRST", index.url).replace("SECOND", other.url)
            other.put(Project("x", X.files, tracks=[said] if said else []))
        if here:
            said = beside.replace("FIRST", index.url).replace("SECOND", other.url)
            index.put(Project("x", X.files, alternates=[said] if said else []))
        files = f"--extra-index-url {other.url}\nx==1.5\n"
        return verified(root, index, files, ask_indexes=(other.url,))


@pytest.mark.parametrize(
    ("tracks", "beside"),
    [
        pytest.param("FIRST/x/", "", id="the second tracks the mirror"),
        pytest.param("https://pypi.org/simple/X", "", id="the second tracks PyPI"),
        pytest.param("", "SECOND/x/", id="the first names the second"),
    ],
)
def test_a_name_that_an_index_declares_to_be_the_same_project_is_fine(
    tmp_path: Path, index: Index, tracks: str, beside: str
) -> None:
    report = shared(tmp_path, index, tracks, beside)
    assert "DEP-003" not in rules(report)
    assert any("the same project (PEP 708): x" in line for line in report.notices)


@pytest.mark.parametrize(
    "tracks",
    ["", "FIRST/y/", "SECOND/x/", "https://pypi.org.example/simple/x/", "http://[", "https://pypi.org/x"],
)
def test_a_name_that_two_indexes_serve_without_a_word_is_told(
    tmp_path: Path, index: Index, tracks: str
) -> None:
    report = shared(tmp_path, index, tracks, "")
    said = [row.evidence.message for row in report.findings if row.evidence.rule == "DEP-003"]
    assert any("both serve x" in line for line in said)
    assert len(said) == 2


@pytest.mark.parametrize(("here", "confused"), [(True, False), (False, True)])
def test_a_name_of_one_index_alone_is_fine_where_that_is_the_public_one(
    tmp_path: Path, index: Index, here: bool, confused: bool
) -> None:
    report = shared(tmp_path, index, "", "", here=here, there=not here)
    assert ("DEP-003" in rules(report)) is confused


def test_nothing_is_settled_by_an_index_that_was_not_asked(tmp_path: Path, index: Index) -> None:
    index.put(X)
    report = verified(tmp_path, index, "--extra-index-url https://h.example.invalid/simple\nx==1.5\n")
    assert "DEP-003" in rules(report)
