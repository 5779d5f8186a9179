"""Two reports compared: what came, what went, what changed. As text, Markdown and JSON.

A finding is the same where its fingerprint is; so one that moved, or whose wording changed, is not news.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from sbom.record import record
from scanner.model import LEVELS, Level, Status
from scanner.policy.plain import At, json_of
from scanner.text import visible

SCHEMA: Final = "urn:weighbridge:diff:1"
_REPORT: Final = "urn:weighbridge:report:"
_STATUSES: Final = tuple(each.value for each in Status)
_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}


@record
class Row:
    """A finding of a report, as far as a comparison needs it."""

    fingerprint: str
    rule: str
    title: str
    level: Level
    potential: Level
    status: str
    place: str
    message: str


@record
class Side:
    """One report. ``findings`` by fingerprint and ordinal; ``components`` versions by name and place of
    declaration; ``artifacts`` SHA-256 by place; ``made_by`` versions and digests of the tool and its data.
    """

    file: str
    verdict: Mapping[str, str]
    made_by: Mapping[str, str]
    findings: Mapping[tuple[str, int], Row]
    components: Mapping[str, tuple[str, ...]]
    artifacts: Mapping[str, str]


@record
class Change:
    """A thing with what it was and what it is; empty where it was not there."""

    what: str
    old: str
    new: str


@record
class Diff:
    """What is different. ``came`` and ``went`` are findings, the worst first; ``changed`` has old and new."""

    came: tuple[Row, ...]
    went: tuple[Row, ...]
    changed: tuple[tuple[Row, Row], ...]
    same: int
    components: tuple[Change, ...]
    artifacts: tuple[Change, ...]
    verdict: tuple[Change, ...]
    notices: tuple[str, ...]

    def fails(self, gate: Level) -> bool:
        """Whether something open came, or got worse, that stands at or above the gate."""
        return any(
            row.status == Status.OPEN and _RANK[row.level] >= _RANK[gate]
            for row in (*self.came, *(new for old, new in self.changed if _worse(old, new)))
        )


def load(data: bytes, file: str) -> Side:
    """A report as ``--format json`` writes it. Raises ConfigurationError naming file and key."""
    top = json_of(data, file)
    rows = top.table()
    for key in ("schema", "tool", "verdict", "findings"):
        if key not in rows:
            raise top.error(f"is no report of weighbridge: {key!r} is missing")
    if not rows["schema"].text().startswith(_REPORT):
        raise rows["schema"].wrong(f"a report ({_REPORT}1)")
    findings: dict[tuple[str, int], Row] = {}
    met: dict[str, int] = {}
    for at in rows["findings"].rows():
        row = _finding(at)
        number = met[row.fingerprint] = met.get(row.fingerprint, -1) + 1
        findings[row.fingerprint, number] = row
    return Side(
        file=file,
        verdict={key: _scalar(at) for key, at in rows["verdict"].table().items() if key in _VERDICT},
        made_by=dict(_flat(rows["tool"])),
        findings=findings,
        components=_components(rows.get("components")),
        artifacts=_artifacts(rows.get("artifacts")),
    )


def compare(old: Side, new: Side) -> Diff:
    """What is different in ``new``."""
    both = [key for key in new.findings if key in old.findings]
    pairs = [(old.findings[key], new.findings[key]) for key in both]
    changed = [pair for pair in pairs if _said(pair[0]) != _said(pair[1])]
    return Diff(
        came=_worst_first(row for key, row in new.findings.items() if key not in old.findings),
        went=_worst_first(row for key, row in old.findings.items() if key not in new.findings),
        changed=tuple(sorted(changed, key=lambda pair: _order(pair[1]))),
        same=len(pairs) - len(changed),
        components=tuple(_versions(old.components, new.components)),
        artifacts=tuple(_changes(old.artifacts, new.artifacts)),
        verdict=tuple(_changes(old.verdict, new.verdict)),
        notices=tuple(_notices(old, new)),
    )


# --- reading ------------------------------------------------------------------------------------------------

_VERDICT: Final = ("level", "grade", "release", "exit_code", "gate")


def _finding(at: At) -> Row:
    rows = at.table()
    for key in ("fingerprint", "rule", "level"):
        if key not in rows:
            raise at.error(f"{key!r} is missing")
    level = rows["level"].choice(LEVELS)
    return Row(
        fingerprint=rows["fingerprint"].text(),
        rule=rows["rule"].text(),
        title=_text(rows, "title"),
        level=level,
        potential=rows["potential"].choice(LEVELS) if "potential" in rows else level,
        status=rows["status"].choice(_STATUSES) if "status" in rows else Status.OPEN,
        place=_place(rows["where"]) if "where" in rows else "",
        message=_text(rows, "message"),
    )


def _text(rows: Mapping[str, At], key: str) -> str:
    return rows[key].text(empty=True) if key in rows else ""


def _place(at: At) -> str:
    rows = at.table()
    member = rows["member"].texts() if "member" in rows else ()
    place = "!".join((_text(rows, "path"), *member))
    line = rows["line"].value if "line" in rows else None
    return place if line is None else f"{place}:{rows['line'].count()}"


def _components(at: At | None) -> dict[str, tuple[str, ...]]:
    """The versions of each package, by ecosystem, name and project; a range where there is no version."""
    found: dict[str, set[str]] = {}
    for each in at.rows() if at else []:
        rows = each.table()
        project = _text(rows, "project")
        name = ":".join(filter(None, (_text(rows, "ecosystem") or _text(rows, "kind"), _text(rows, "name"))))
        key = name if project in {"", "."} else f"{name} in {project}"
        found.setdefault(key, set()).add(_text(rows, "version") or _text(rows, "specifier") or "any")
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _artifacts(at: At | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in at.rows() if at else []:
        found[_place(each)] = _text(each.table(), "sha256") or "not hashed"
    return found


def _flat(at: At) -> Iterator[tuple[str, str]]:
    """Keys and texts, one level of tables taken in."""
    for key, each in at.table().items():
        if isinstance(each.value, dict):
            yield from ((f"{key} {name}", _scalar(inner)) for name, inner in each.table().items())
        else:
            yield key, _scalar(each)


def _scalar(at: At) -> str:
    if not isinstance(at.value, str | int):
        raise at.wrong("a text or a number")
    return str(at.value)


# --- comparing ----------------------------------------------------------------------------------------------


def _said(row: Row) -> tuple[str, ...]:
    return (row.level, row.potential, row.status)


def _worse(old: Row, new: Row) -> bool:
    if old.status != Status.OPEN:
        return new.status == Status.OPEN
    return _RANK[new.level] > _RANK[old.level]


def _order(row: Row) -> tuple[int, int, str, str, str]:
    return (-_RANK[row.level], -_RANK[row.potential], row.rule, row.place, row.fingerprint)


def _worst_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=_order))


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        was, now = old.get(key, ""), new.get(key, "")
        if was != now:
            yield Change(key, was, now)


def _versions(old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]) -> Iterator[Change]:
    joined = [{key: ", ".join(values) for key, values in side.items()} for side in (old, new)]
    return _changes(*joined)


def _notices(old: Side, new: Side) -> Iterator[str]:
    parts = [change.what for change in _changes(old.made_by, new.made_by)]
    if parts:
        named = ", ".join(visible(each, limit=40) for each in parts[:6])
        yield f"the reports were made with different {named}: levels may differ for that reason alone"


# --- writing ------------------------------------------------------------------------------------------------


def text(diff: Diff) -> str:
    """The comparison for a terminal, ending in a newline."""
    return _written(diff, _plain_heading, lambda words: visible(words, limit=400), "  ")


def markdown(diff: Diff) -> str:
    """The comparison for a comment on a pull request. Text of the scanned tree stands in code spans only."""
    return _written(diff, _marked_heading, _code, "- ")


def json_text(diff: Diff) -> str:
    """The comparison for programs: ASCII, ending in a newline."""
    document = {
        "schema": SCHEMA,
        "verdict": [_change_row(each) for each in diff.verdict],
        "findings": {
            "new": [_finding_row(each) for each in diff.came],
            "gone": [_finding_row(each) for each in diff.went],
            "changed": [{"old": _finding_row(was), "new": _finding_row(now)} for was, now in diff.changed],
            "same": diff.same,
        },
        "components": [_change_row(each) for each in diff.components],
        "artifacts": [_change_row(each) for each in diff.artifacts],
        "notices": list(diff.notices),
    }
    return json.dumps(document, indent=1) + "\n"


def _finding_row(row: Row) -> dict[str, str]:
    return {
        "fingerprint": row.fingerprint,
        "rule": row.rule,
        "title": row.title,
        "level": row.level,
        "potential": row.potential,
        "status": row.status,
        "place": row.place,
        "message": row.message,
    }


def _change_row(change: Change) -> dict[str, str]:
    return {"what": change.what, "old": change.old, "new": change.new}


def _written(diff: Diff, heading: Callable[[str], str], shown: Callable[[str], str], bullet: str) -> str:
    lines = [_sentence(diff)]
    lines += [f"{bullet}{each.what}: {shown(each.old)} → {shown(each.new)}" for each in diff.verdict]
    for title, rows in (("New", diff.came), ("Gone", diff.went)):
        if rows:
            lines += ["", heading(f"{title} ({len(rows)})")]
            lines += [f"{bullet}{_line(row, shown)}" for row in rows]
    if diff.changed:
        lines += ["", heading(f"Changed ({len(diff.changed)})")]
        lines += [f"{bullet}{_line(new, shown)} (was {_state(old)})" for old, new in diff.changed]
    for title, changes in (("Components", diff.components), ("Artifacts", diff.artifacts)):
        if changes:
            lines += ["", heading(f"{title} ({len(changes)})")]
            lines += [f"{bullet}{_moved(each, shown)}" for each in changes]
    if diff.notices:
        lines += ["", *(f"{bullet}Note: {shown(each)}" for each in diff.notices)]
    return "\n".join(lines) + "\n"


def _sentence(diff: Diff) -> str:
    counts = [(len(diff.came), "new"), (len(diff.went), "gone"), (len(diff.changed), "changed")]
    said = ", ".join(f"{number} {word}" for number, word in counts if number)
    rest = f"{diff.same} as before"
    return f"Findings: {said}, {rest}." if said else f"Findings: nothing new, nothing gone, {rest}."


def _line(row: Row, shown: Callable[[str], str]) -> str:
    place = f" at {shown(row.place)}" if row.place else ""
    return f"{_state(row)} {shown(row.rule)}{place}: {shown(row.message or row.title)}"


def _state(row: Row) -> str:
    return row.level if row.status == Status.OPEN else f"{row.level}, {row.status}"


def _moved(change: Change, shown: Callable[[str], str]) -> str:
    if not change.old:
        return f"{shown(change.what)}: new, {shown(change.new)}"
    if not change.new:
        return f"{shown(change.what)}: gone, was {shown(change.old)}"
    return f"{shown(change.what)}: {shown(change.old)} → {shown(change.new)}"


def _plain_heading(words: str) -> str:
    return words


def _marked_heading(words: str) -> str:
    return f"### {words}\n"


def _code(words: str) -> str:
    """A code span that nothing in the text can end: its fence is longer than any in it."""
    said = visible(words, limit=400)
    if not said.strip():
        return "(empty)"
    fence = "`" * (max(map(len, _runs(said)), default=0) + 1)
    edge = " " if said.startswith(("`", " ")) or said.endswith(("`", " ")) else ""
    return f"{fence}{edge}{said}{edge}{fence}"


def _runs(words: str) -> Sequence[str]:
    import re

    return re.findall(r"`+", words)
