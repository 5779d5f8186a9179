"""Rules by path: what they name, and how little they may say."""

import pytest

from sbom.model import Location
from scanner.model import Evidence, Measured, factors
from scanner.policy import paths
from scanner.policy.plain import At


@pytest.mark.parametrize(
    ("glob", "path", "named"),
    [
        ("*.pt", "a.pt", True),
        ("*.pt", "x/y/a.pt", True),
        ("/*.pt", "a.pt", True),
        ("/*.pt", "x/a.pt", False),
        ("x/*.pt", "x/a.pt", True),
        ("x/*.pt", "x/y/a.pt", False),
        ("x/*.pt", "z/x/a.pt", False),
        ("x/**/*.pt", "x/a.pt", True),
        ("x/**/*.pt", "x/y/z/a.pt", True),
        ("**/a.pt", "a.pt", True),
        ("**/a.pt", "x/y/a.pt", True),
        ("x/**", "x/y/z", True),
        ("x/**", "xy/z", False),
        ("x**y", "x/a/y", True),
        ("x", "x/a.pt", True),
        ("x/", "x/a.pt", True),
        ("x/", "y/x/a.pt", True),
        ("x/", "xx/a.pt", False),
        ("a?.pt", "ab.pt", True),
        ("a?.pt", "a/.pt", False),
        ("a[bc].pt", "ab.pt", True),
        ("a[bc].pt", "ad.pt", False),
        ("a[!bc].pt", "ad.pt", True),
        ("a[!bc].pt", "a/.pt", False),
        ("a[a-c].pt", "ab.pt", True),
        ("a[.pt", "a[.pt", True),
        ("a[]].pt", "a].pt", True),
        ("a.pt", "axpt", False),
        ("A.pt", "a.pt", False),
        ("*.pt", "a\nb.pt", True),
        ("*", "half\udcff", True),
        ("(a+)+", "(a+)+", True),
    ],
)
def test_a_pattern_names_what_gitignore_would(glob: str, path: str, named: bool) -> None:
    assert paths.matches(glob, path) is named
    if named and paths.key_of(glob):
        assert paths.key_of(glob) in set(paths.keys_of(path))


def rules(*rows: dict[str, object]) -> tuple[paths.PathRule, ...]:
    return paths.read(At([{"reason": "r"} | row for row in rows], "w.toml", "paths"))


EVIDENCE = Evidence(
    "ART-003", Location("tests/a.pt"), "m", factors=factors(trigger="automatic", effect="total")
)


def test_a_declaration_replaces_what_was_measured_and_says_whose_it_is() -> None:
    told = dict(paths.declared(EVIDENCE, rules({"glob": "tests/", "trigger": "unreachable"})).factors)
    assert told["trigger"] == Measured("unreachable", "declared", "w.toml: paths[0]: r")
    assert told["effect"].value == "total"


def test_the_last_rule_that_speaks_of_a_factor_holds() -> None:
    both = rules(
        {"glob": "*", "context": "internal"},
        {"glob": "tests", "context": "exposed"},
        {"glob": "x", "exclude": True},
    )
    assert dict(paths.declared(EVIDENCE, both).factors)["context"].value == "exposed"
    assert dict(paths.declared(EVIDENCE, both[:1]).factors)["context"].value == "internal"


def test_what_no_rule_names_stays_as_it_is() -> None:
    assert paths.declared(EVIDENCE, rules({"glob": "src", "trigger": "unreachable"})) is EVIDENCE
    assert paths.declared(EVIDENCE, ()) is EVIDENCE
    assert paths.declared(EVIDENCE, rules({"glob": "tests", "exclude": True})) is EVIDENCE


def test_rules_count_from_the_folder_of_the_configuration() -> None:
    (rule,) = rules({"glob": "/sub/tests", "trigger": "unreachable"})
    assert paths.declared(EVIDENCE, [rule]) is EVIDENCE
    assert paths.declared(EVIDENCE, [rule], "sub") is not EVIDENCE


def test_what_is_left_out_is_listed() -> None:
    assert paths.excluded(rules({"glob": "a", "exclude": True}, {"glob": "b", "context": "internal"})) == (
        "a",
    )


@pytest.mark.parametrize(
    ("pattern", "seen"),
    [
        ("*.pt", "*.pt"),
        ("data/", "data/"),
        ("**/x/y", "**/x/y"),
        ("/a/b/c.pt", "/c.pt"),
        ("a/b/c/**", "/c/**"),
        ("!a/b/c", "!/c"),
        ("x/y", None),
        ("a/*/c", None),
        ("/a/b", None),
        ("a/bc/d", None),
    ],
)
def test_a_pattern_is_seen_from_a_folder_below(pattern: str, seen: str | None) -> None:
    assert paths.rebased((pattern,), "a/b") == (() if seen is None else (seen,))
    assert paths.rebased((pattern,), "") == (pattern,)
