"""Every rule that the code can emit fires in some test of what emits it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULE = re.compile(r"[A-Z]{3}-\d{3}")

# These name rules as examples of findings; they do not show that anything fires.
EXAMPLES = {"rubric", "policy", "reports"}
SPEAKERS = {"rubric", "policy", "reports", "sentence.py"}


def named(file: Path) -> set[str]:
    """The rule ids that stand as whole strings in a module."""
    return {
        node.value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and RULE.fullmatch(node.value)
    }


def test_every_rule_that_the_code_can_emit_fires_in_a_test() -> None:
    emitted = {
        rule
        for file in (ROOT / "scanner").rglob("*.py")
        if file.relative_to(ROOT / "scanner").parts[0] not in SPEAKERS
        for rule in named(file)
    }
    fired = {
        rule
        for file in (ROOT / "tests").rglob("test_*.py")
        if file.relative_to(ROOT / "tests").parts[0] not in EXAMPLES
        for rule in named(file)
    }
    assert {"ART-001", "ADV-004", "DEP-001"} <= emitted
    assert sorted(emitted - fired) == []
