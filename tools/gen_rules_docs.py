#!/usr/bin/env python3
"""Writes docs/rules.md and docs/rubric.md from the rubric's data.

python tools/gen_rules_docs.py [--check]

With --check nothing is written; exit code 1 says that a file is stale.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sbom.model import Location
from scanner.model import FACTORS, LEVELS, Evidence, Finding, Rule
from scanner.rubric import packs, rollup, rules, tables
from scanner.rubric.judge import judge

ROOT = Path(__file__).resolve().parents[1]
NOTE = "<!-- Written by tools/gen_rules_docs.py from scanner/rubric/*.json. Edit those, then run it. -->"
CWE = "https://cwe.mitre.org/data/definitions/{}.html"


def documents() -> dict[str, str]:
    """The text of each generated file, by its path from the repository's root."""
    return {"docs/rules.md": _text(_rules()), "docs/rubric.md": _text(_rubric())}


def main(arguments: Sequence[str]) -> int:
    """Writes the files, or says which are stale."""
    stale = [
        name
        for name, text in documents().items()
        if not (ROOT / name).exists() or (ROOT / name).read_text("utf-8") != text
    ]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"{name} is stale: run python tools/gen_rules_docs.py\n")
        return 1 if stale else 0
    for name, text in documents().items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text, "utf-8", newline="\n")
    return 0


# --- rules -------------------------------------------------------------------------------------------------


def _rules() -> Iterator[str]:
    yield "# Rules"
    yield ""
    yield NOTE
    yield ""
    yield (
        f"Version {rules.version()}: {len(rules.load())} rules. A rule names what was found; how severe it "
        "is follows from six factors by the tables of [the rubric](rubric.md). The levels here hold where "
        "nothing but the rule's defaults is known, for internal use and for something that is published. In "
        "brackets: what it would be if it were confirmed. An id is never used for anything else."
    )
    for family, title in rules.families().items():
        members = [rule for rule in rules.load().values() if rule.id.startswith(f"{family}-")]
        yield ""
        yield f"## {title}"
        yield ""
        yield "| rule | what it says | internal | published |"
        yield "|---|---|---|---|"
        for rule in members:
            link = f"[{rule.id}](#{_anchor(rule)})"
            yield _row((link, rule.title, _level(rule, "internal"), _level(rule, "exposed")))
        for rule in members:
            yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield ""
    yield f"### {rule.id}: {rule.title}"
    yield ""
    yield rule.why
    yield ""
    yield f"**What to do.** {rule.remedy}"
    for title, code in (("Before", rule.before), ("After", rule.after)):
        if code:
            yield ""
            yield f"{title}:"
            yield ""
            yield "```"
            yield code
            yield "```"
    yield ""
    values = ", ".join(f"{name} `{rule.defaults[name]}`" for name in FACTORS if name in rule.defaults)
    yield f"- Defaults: {values}"
    if rule.assumes:
        yield f"- Assumed where nobody measured it: {', '.join(rule.assumes)}"
    if rule.trigger_floor:
        yield f"- The trigger never counts as less than `{rule.trigger_floor}`"
    yield f"- Level: {_level(rule, 'internal')} internal, {_level(rule, 'exposed')} published"
    references = [
        *(f"[CWE-{number}]({CWE.format(number)})" for number in rule.cwe),
        *(f"ATLAS {each}" for each in rule.atlas),
        *(f"OWASP {each}" for each in rule.owasp),
        *(f"SP 800-218A {each}" for each in rule.ssdf_218a),
    ]
    yield f"- References: {', '.join(references)}"


def _level(rule: Rule, context: str) -> str:
    finding = _default(rule, context)
    return finding.level if finding.level == finding.potential else f"{finding.level} ({finding.potential})"


def _default(rule: Rule, context: str) -> Finding:
    return judge(Evidence(rule.id, Location(""), ""), rule, context=context)


def _anchor(rule: Rule) -> str:
    """The id that Markdown renderers give the rule's heading."""
    kept = "".join(char for char in f"{rule.id}: {rule.title}".lower() if char.isalnum() or char in " -_")
    return kept.replace(" ", "-")


# --- rubric ------------------------------------------------------------------------------------------------


def _rubric() -> Iterator[str]:
    rubric = tables.load()
    yield "# The severity rubric"
    yield ""
    yield NOTE
    yield ""
    yield (
        f"Version {rubric.version}. Each finding has six factors. Four small tables turn them into one of "
        "five levels. Nothing is added up or averaged: the same factors give the same level everywhere, and "
        "anybody can follow the path with a finger. `weighbridge explain` prints it for a finding, "
        "`weighbridge rubric export` writes the data for other tools."
    )
    yield from _levels(rubric)
    yield from _factors(rubric)
    yield from _tables(rubric)
    yield from _after(rubric)


def _levels(rubric: tables.Rubric) -> Iterator[str]:
    yield ""
    yield "## Levels"
    yield ""
    yield "| level | means | look at it | contain it | mend it | who | release | waiver |"
    yield "|---|---|---|---|---|---|---|---|"
    for level in reversed(LEVELS):
        row = rubric.levels[level]
        waiver = (
            f"{row.waiver_approvers} approving, at most {rollup.in_words(row.waiver_longest)}"
            if row.waiver_longest
            else "none; can only be disputed"
        )
        longer = rollup.in_words(row.fix_if_no_upstream_fix)
        fix = rollup.in_words(row.fix) + (f" ({longer} while its makers offer no fix)" if longer else "")
        cells = (
            f"**{level}** ({rollup.grade(level)})",
            f"{row.title}. {row.meaning}",
            rollup.in_words(row.triage) or "–",
            rollup.in_words(row.mitigate) or "–",
            fix or "–",
            row.escalate_to,
            row.release,
            waiver,
        )
        yield _row(cells)
    yield ""
    for level in reversed(LEVELS):
        row = rubric.levels[level]
        yield f"- {level}: disclose: {row.disclose}; keep as evidence: {', '.join(row.evidence)}"


def _factors(rubric: tables.Rubric) -> Iterator[str]:
    yield ""
    yield "## Factors"
    yield ""
    yield (
        "From the least bad value to the worst. With each value a finding says where it came from: measured, "
        "from a feed, declared, the rule's default, not known, or required by a pack."
    )
    for name in FACTORS:
        factor = rubric.data["factors"][name]
        yield ""
        yield f"### {name}: {factor['title']}"
        yield ""
        yield f"{factor['definition']}."
        yield ""
        yield "| value | in plain words | definition |"
        yield "|---|---|---|"
        for value in factor["order"]:
            told = factor["values"][value]
            yield _row((f"`{value}`", told["plain"], told["definition"]))
    yield ""
    yield "### Where nobody knows"
    yield ""
    yield rubric.data["unknown_policy"]["rule"]
    yield ""
    yield _row(("about", *FACTORS))
    yield "|---" * (len(FACTORS) + 1) + "|"
    for kind, values in rubric.unknown.items():
        yield _row((kind, *(f"`{values[name]}`" for name in FACTORS)))
    yield ""
    yield "### How factors are measured"
    yield ""
    for key, steps in rubric.data["derivation"].items():
        if isinstance(steps, dict):
            said = ", ".join(f"`{name}` {value}" for name, value in steps.items())
        else:
            said = steps if isinstance(steps, str) else "; ".join(steps)
        yield f"- {key.replace('.', ', ').replace('_', ' ')}: {said}"


def _tables(rubric: tables.Rubric) -> Iterator[str]:
    yield ""
    yield "## Tables"
    number = 0
    for table in rubric.data["decision_tables"]:
        number += 1
        inputs, outcome = tables.TABLES[table["key"]]
        lines = tables.mapping(table)
        yield ""
        yield f"### {number}. {outcome}"
        yield ""
        yield f"{table['definition']}."
        yield ""
        columns = list(dict.fromkeys(key[-1] for key in lines))
        if len(inputs) == 3:
            columns = list(dict.fromkeys(key[1] for key in lines))
            yield _row((f"{inputs[0]}, {inputs[2]}", *columns))
            yield "|---" * (len(columns) + 1) + "|"
            for first in dict.fromkeys(key[0] for key in lines):
                for last in dict.fromkeys(key[2] for key in lines):
                    yield _row((f"{first}, {last}", *(lines[first, column, last] for column in columns)))
            continue
        yield _row((f"{inputs[0]} \\ {inputs[1]}", *columns))
        yield "|---" * (len(columns) + 1) + "|"
        for first in dict.fromkeys(key[0] for key in lines):
            yield _row((first, *(lines[first, column] for column in columns)))
    yield ""
    yield (
        f"Flattened, the tables have {len(rubric.rows)} rows; the SHA-256 of the flat table is "
        f"`{rubric.data['flat_table_sha256']}`. Tests prove that no row is missing, that a worse factor "
        "never lowers level, potential or the duty to notify, and that no vulnerability is graded laxer than "
        f"by {rubric.data['floor']['name']}."
    )


def _after(rubric: tables.Rubric) -> Iterator[str]:
    data = rubric.data
    yield ""
    yield "## From findings to a verdict"
    yield ""
    for name in ("finding", "component", "repo", "never", "counts"):
        yield f"- {name}: {data['rollup'][name]}"
    yield f"- grade: {', '.join(f'{level} {letter}' for level, letter in data['rollup']['grade'].items())}"
    yield ""
    yield "Release:"
    yield ""
    for name in reversed(data["rollup"]["release"]["order"]):
        yield f"- **{name}**: {data['rollup']['release'][name]}"
    yield ""
    yield "Status of a finding:"
    yield ""
    for name, meaning in data["status"].items():
        if isinstance(meaning, str):
            yield f"- {name.replace('_', ' ')}: {meaning}"
    yield ""
    yield "## Conditions of escalation"
    yield ""
    yield data["escalation"]["note"]
    yield ""
    for row in data["escalation"]["conditions"]:
        yield f"- **{row['id']}**: {row['says']}"
    yield ""
    yield "## Packs"
    yield ""
    yield "| pack | for | blocks at | on | counts as | advisories at most | beyond that |"
    yield "|---|---|---|---|---|---|---|"
    shown = {"id", "title", "meaning", "block_at", "gate_on", "context", "max_advisory_age"}
    for pack in packs.load().values():
        rest = ", ".join(key.replace("_", " ") for key in pack if key not in shown)
        age = rollup.in_words(pack["max_advisory_age"])
        said = f"{pack['title']}. {pack['meaning']}"
        yield _row(
            (f"`{pack['id']}`", said, pack["block_at"], pack["gate_on"], pack["context"], age, rest or "–")
        )
    yield ""
    yield "## Sources"
    yield ""
    for source in data["sources"]:
        ref = f" ({source['ref']})" if "ref" in source else ""
        yield f"- {source['name']}{ref}: {source['used_for']}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
