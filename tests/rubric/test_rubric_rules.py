"""The rules' data: every rule says enough, none argues itself down, and code names no other."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.errors import UsageError
from scanner.model import Rule
from scanner.rubric import packs, rules, tables

SCANNER = Path(__file__).parents[2] / "scanner"
RULE_ID = re.compile(r"[A-Z]{3}-\d{3}")
NOT_RULES = frozenset(("SHA-256", "SHA-384", "SHA-512"))

# An id means one thing for ever: a rule that goes keeps its id, and a new one gets a new number.
COUNTS = {
    "ART": 34,
    "HSH": 15,
    "ADV": 8,
    "DEP": 24,
    "SRC": 15,
    "ORG": 10,
    "DAT": 4,
    "SEC": 4,
    "WGT": 6,
    "AGT": 4,
    "BOM": 2,
    "COV": 5,
    "CMB": 1,
}
# Numbers that are given out and whose rules have not come yet: the order holds without them.
RESERVED = frozenset(
    {
        "ART-019",
        "ART-020",
        *(f"ART-{number:03}" for number in range(23, 35)),
        *(f"HSH-{number:03}" for number in range(11, 16)),
        *(f"DEP-{number:03}" for number in range(15, 25)),
        *(f"SRC-{number:03}" for number in range(12, 16)),
        *(f"ORG-{number:03}" for number in range(9, 11)),
        "AGT-004",
    }
)
# CWE's own mapping guidance discourages or prohibits these.
DISCOURAGED_CWES = {20, 345, 400, 693, 1059}

ALL = list(rules.load().values())
each_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)


def test_no_id_stands_twice_in_the_data() -> None:
    written = [row["id"] for row in json.loads(tables.read("rules.json"))["rules"]]
    assert len(written) == len(set(written))
    assert written == list(rules.load())


def named_in(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and RULE_ID.fullmatch(node.value):
            yield node.value, node.lineno


def test_every_rule_that_code_names_is_in_the_data() -> None:
    unknown = [
        f"{path.relative_to(SCANNER.parent)}:{line} names {rule}"
        for path in sorted(SCANNER.rglob("*.py"))
        for rule, line in named_in(path)
        if rule not in rules.load() and rule not in NOT_RULES
    ]
    assert unknown == []


def test_a_rule_that_nobody_wrote_would_be_seen(tmp_path: Path) -> None:
    file = tmp_path / "reader.py"
    file.write_text('emit("ART-999", f"ART-998 {1}")\nx = "see ART-997"\n')
    assert list(named_in(file)) == [("ART-999", 1)]


def test_the_numbers_of_each_family_are_without_gap_or_repetition() -> None:
    for family, count in COUNTS.items():
        found = [rule.id for rule in ALL if rule.id.startswith(family)]
        numbers = [f"{family}-{number:03}" for number in range(1, count + 1)]
        assert found == [number for number in numbers if number in found or number not in RESERVED]
    assert len(ALL) >= sum(COUNTS.values()) - len(RESERVED)
    assert list(rules.families()) == list(COUNTS)


@each_rule
def test_a_rule_says_what_why_and_how_to_mend_in_sentences(rule: Rule) -> None:
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 100
    assert 1 <= len(re.findall(r"[.?!](?:\s|$)", rule.why)) <= 4
    assert rule.why.endswith((".", ")"))
    assert rule.remedy.endswith((".", ")"))
    assert len(rule.remedy) >= 20
    assert rule.before == "" or rule.after, "what is wrong is shown with what is right"
    assert "\t" not in rule.before + rule.after


@each_rule
def test_a_rule_has_five_defaults_and_leaves_the_context_to_the_operator(rule: Rule) -> None:
    order = tables.load().order
    assert set(rule.defaults) == set(order) - {"context"}
    assert all(value in order[name] for name, value in rule.defaults.items())
    assert "unreachable" not in rule.defaults.values(), "only the operator declares that"


@each_rule
def test_an_assumed_default_is_no_better_than_the_policy_for_the_unknown(rule: Rule) -> None:
    rubric = tables.load()
    policy = rubric.unknown[rubric.kind(rule.id)]
    for name in rule.assumes:
        assert rubric.order[name][rule.defaults[name]] >= rubric.order[name][policy[name]], name


@each_rule
def test_references_carry_their_edition_and_are_allowed(rule: Rule) -> None:
    assert not set(rule.cwe) & DISCOURAGED_CWES
    assert all(isinstance(number, int) for number in rule.cwe)
    assert all(re.fullmatch(r"LLM\d\d:2025|ML\d\d:2023", each) for each in rule.owasp)
    assert rule.owasp
    assert rule.ssdf_218a


def test_what_runs_code_is_bad_by_known_fact_or_known_malicious_never_falls_below_use() -> None:
    floors = {rule.id: rule.trigger_floor for rule in ALL if rule.trigger_floor}
    assert floors == {"ART-001": "on_use", "ART-014": "on_use", "ADV-004": "on_use"}


def test_advisories_say_that_exploitation_is_assumed_where_nobody_looked_it_up() -> None:
    for id_ in ("ADV-002", "ADV-003"):
        rule = rules.find(id_)
        assert rule.defaults["exploitation"] == "none"
        assert "exploitation" in rule.assumes


def test_a_limit_on_an_artifact_counts_as_much_as_no_examination_at_all() -> None:
    assert rules.find("COV-003").defaults == rules.find("COV-001").defaults


def test_rules_named_in_the_rubric_and_the_packs_exist() -> None:
    named = set(tables.load().data["rollup"]["indeterminate_rules"])
    for pack in packs.load().values():
        named |= {*pack.get("require_rules", ()), *pack.get("elevate_rules", ())}
    assert named <= set(rules.load())
    assert all(family in rules.families() for family in tables.load().families)


def test_packs_never_block_later_than_the_default() -> None:
    levels = tables.load().levels
    default = packs.load()["default"]
    assert default["block_at"] == "high"
    assert next(iter(packs.load())) == "default"
    for pack in packs.load().values():
        assert levels[pack["block_at"]].rank <= levels[default["block_at"]].rank
    assert packs.load()["airgap"]["block_at"] == "high"


def test_a_rule_is_found_in_any_case_and_a_wrong_id_names_the_nearest() -> None:
    assert rules.find("art-001").id == "ART-001"
    with pytest.raises(UsageError, match="no rule 'ART-01'; the nearest is ART-0"):
        rules.find("ART-01")
    with pytest.raises(UsageError, match=r"no rule '\?\?'$"):
        rules.find("??")


def test_the_version_of_the_rules_is_stated() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", rules.version())
