"""``weighbridge explain``: the way to a level, for a rule and for a finding that is there."""

import re
from pathlib import Path

import pytest

from sbom.record import replace
from scanner.cli.rescan import pick
from scanner.errors import UsageError
from tests.cli.command import Done, weighbridge
from tests.forge_report import report

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def fingerprint(cwd: Path, rule: str, path: str = ".") -> str:
    rows = weighbridge("scan", path, "--no-advisories", "-f", "json", cwd=cwd).json["findings"]
    return next(str(row["fingerprint"]) for row in rows if row["rule"] == rule)


def explained(cwd: Path, *arguments: str | Path) -> Done:
    return weighbridge("explain", *arguments, "--no-advisories", cwd=cwd)


def test_a_rule_is_explained_in_any_case(tmp_path: Path) -> None:
    done = weighbridge("explain", "art-001", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "How the level comes about:" in done.out
    assert "The level would fall if" in done.out


def test_a_finding_is_explained_with_its_factors_their_sources_and_what_was_assumed(tree: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    done = explained(tree, fingerprint(tree, "ART-001"))
    assert (done.code, done.err) == (0, "")
    for said in (
        "CRITICAL ART-001",
        "model.pkl",
        "posix.system('echo weighed')",
        "[evidence confirmed, measured",
        "[trigger on_use, by the rule",
        "Assumed, because nobody measured it:",
        "The level would fall if",
        "What to do:",
    ):
        assert said in done.out


@pytest.mark.parametrize("shape", ["{}", "{:.11}", "bare", "upper"])
def test_the_beginning_of_a_fingerprint_is_enough(tree: Path, shape: str) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    whole = fingerprint(tree, "ART-001")
    said = {"bare": whole[3:], "upper": whole[3:15].upper()}.get(shape) or shape.format(whole)
    done = explained(tree, said)
    assert done.code == 0
    assert f"Fingerprint: {whole}" in done.out


def test_the_text_report_says_what_to_ask(tree: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    page = " ".join(weighbridge("scan", ".", "--no-advisories", cwd=tree).out.split())
    asked = re.search(r"weighbridge explain (v1:[0-9a-f]{8})", page)
    assert asked is not None
    assert "CRITICAL ART-001" in explained(tree, asked[1]).out


def test_what_packs_and_context_ask_for_is_in_the_explanation(tree: Path) -> None:
    (tree / "requirements.txt").write_text("requests\n")
    known = fingerprint(tree, "DEP-001")
    assert "context internal, not known" in explained(tree, known).out
    assert "context exposed" in explained(tree, known, "--context", "exposed").out
    strict = explained(tree, known, "--pack", "release")
    assert strict.code == 0
    assert "context exposed" in strict.out


def test_a_finding_that_is_set_aside_says_on_whose_word(tree: Path) -> None:
    (tree / "requirements.txt").write_text("requests\n")
    known = fingerprint(tree, "DEP-001")
    weighbridge("waive", known, "--reason", "soon", "--owner", "ann", "--no-advisories", cwd=tree)
    assert "It does not count: waived by ann until" in explained(tree, known).out


def test_a_finding_of_the_baseline_says_since_when(tree: Path) -> None:
    (tree / "requirements.txt").write_text("requests\n")
    known = fingerprint(tree, "DEP-001")
    day = "1795000000"
    arguments = ("scan", ".", "--no-advisories", "--write-baseline", "b.json")
    weighbridge(*arguments, cwd=tree, SOURCE_DATE_EPOCH=day)
    (tree / "weighbridge.toml").write_text('baseline = "b.json"\n')
    done = weighbridge("explain", known, "--no-advisories", cwd=tree, SOURCE_DATE_EPOCH=day)
    assert "The baseline knows it since 2026-11-18" in done.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("ART-999", "no rule 'ART-999'; the nearest is", id="no such rule"),
        pytest.param("nonsense", "neither a rule (ART-001) nor a fingerprint", id="no fingerprint at all"),
        pytest.param("", "no fingerprint", id="empty"),
        pytest.param("v1:abc", "3 hexadecimal digits", id="too short"),
        pytest.param("v1:" + "a" * 33, "33 hexadecimal digits", id="too long"),
        pytest.param("v9:0123456789", "version v9", id="of another version"),
        pytest.param("v1:00000000", "no finding v1:00000000", id="not there"),
        pytest.param("\x1b[2J", "neither a rule (ART-001) nor a fingerprint", id="an escape"),
    ],
)
def test_a_name_that_is_none_is_two_and_says_why(tree: Path, name: str, said: str) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    done = explained(tree, name)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert "\x1b" not in done.err


def test_one_digit_wrong_names_the_nearest(tree: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    whole = fingerprint(tree, "ART-001")
    done = explained(tree, whole[:-1] + ("0" if whole[-1] != "0" else "1"))
    assert done.code == 2
    assert f"the nearest is {whole} (critical ART-001 at model.pkl" in done.err


def test_nothing_found_is_said_so(tree: Path) -> None:
    done = explained(tree, "v1:01234567")
    assert done.code == 2
    assert "nothing was found" in done.err


def test_a_path_that_is_not_there_is_two(tree: Path) -> None:
    done = explained(tree, "v1:01234567", "nowhere")
    assert (done.code, done.out) == (2, "")
    assert "nowhere" in done.err


def test_names_of_the_tree_cannot_write_on_the_terminal(tree: Path) -> None:
    (tree / "\x1b[2J\u202egnp.pkl").write_bytes(HOSTILE)
    done = explained(tree, fingerprint(tree, "ART-001"))
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert "\\x1b[2J" in done.out


def test_what_several_fingerprints_begin_with_is_two_and_names_them() -> None:
    findings = [
        replace(finding, fingerprint=f"v1:01234567{number:024x}")
        for number, finding in enumerate(report().findings)
    ]
    with pytest.raises(UsageError, match=f"the beginning of {len(findings)} fingerprints: v1:01234567"):
        pick("v1:01234567", findings, Path())
    assert pick(findings[1].fingerprint, findings, Path()) is findings[1]
