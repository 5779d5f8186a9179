"""What the commands on bills of materials print. Text of the documents passes ``visible`` on its way."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from scanner.text import visible

if TYPE_CHECKING:
    from sbom.check import Problem
    from sbom.diff import Change, Changed, Difference
    from sbom.document import Document, Part
    from sbom.score import Result, Score
    from scanner.advisories.affected import Hit, Question

_TITLES: Final = {"cyclonedx": "CycloneDX", "spdx": "SPDX"}
_SHOWN: Final = 100  # rows of one list; JSON has all


def _bytes(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def _cell(text: str, limit: int = 200) -> str:
    """Text as it may stand in a table of Markdown."""
    shown = visible(text, limit=limit)
    for char in "\\`|<>[]*_":
        shown = shown.replace(char, f"\\{char}" if char not in "<>" else {"<": "&lt;", ">": "&gt;"}[char])
    return shown or "–"


def _few(rows: Sequence[object]) -> Iterator[str]:
    if len(rows) > _SHOWN:
        yield f"… and {len(rows) - _SHOWN:,} more (--format json has all)"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# --- check ------------------------------------------------------------------------------------------------


def checked(document: "Document", problems: "Sequence[Problem]", unasked: str, form: str) -> bytes:
    """What is wrong with a document; ``unasked`` says why its schema was not asked."""
    title = f"{_TITLES[document.kind]} {document.spec}"
    if form == "json":
        return _json(
            {
                "document": document.name,
                "format": document.kind,
                "specification": document.spec,
                "schema": unasked or ("checked" if document.kind == "cyclonedx" else "own laws"),
                "problems": [{"path": one.path, "law": one.law, "message": one.message} for one in problems],
            }
        )
    said = _schema(document, unasked)
    if form == "markdown":
        rows = [
            f"| `{_cell(one.path)}` | {one.law} | {_cell(one.message, 400)} |" for one in problems[:_SHOWN]
        ]
        table = ["", "| place | law | problem |", "|---|---|---|", *rows] if rows else []
        head = f"**{_cell(document.name)}** ({title}): {_count(len(problems), 'problem')}. {said}"
        return _bytes([head, *table, *_few(problems)])
    lines = [
        f"{visible(one.path, limit=200) or '/'}: {one.law}: {visible(one.message, limit=400)}"
        for one in problems[:_SHOWN]
    ]
    total = _count(len(problems), "problem") if problems else "no problem"
    return _bytes([*lines, *_few(problems), f"{visible(document.name, limit=200)}: {title}, {total}. {said}"])


def _schema(document: "Document", unasked: str) -> str:
    if unasked:
        return f"The schema itself was not checked: {unasked}."
    if document.kind == "spdx":
        return "Held against our own laws of SPDX; its schema is not part of this program."
    return "The schema was checked, strictly."


# --- score ------------------------------------------------------------------------------------------------

_STATES: Final = {
    "present": "yes",
    "partial": "in part",
    "unknown": "unknown, and said so",
    "absent": "no",
    "nothing": "not asked: nothing of the kind is in the document",
}


def scored(document: "Document", scores: "Sequence[Score]", form: str) -> bytes:
    """How much of what the standards ask a document says."""
    if form == "json":
        return _json({"document": document.name, "standards": [_scored(one) for one in scores]})
    if form == "markdown":
        return _bytes(_score_table(scores))
    lines: list[str] = []
    for one in scores:
        lines += [f"{one.yardstick.title} ({one.yardstick.date})", f"  {_in_short(one)}"]
        cluster = ""
        for row in one.results:
            if row.element.cluster != cluster:
                cluster = row.element.cluster
                lines.append(f"  {cluster}")
            lines.append(f"    {_STATES[row.state].partition(':')[0]:21}{row.element.name}{_places(row)}")
        lines.append("")
    return _bytes(lines[:-1])


def _scored(one: "Score") -> dict[str, object]:
    return {
        "standard": one.yardstick.id,
        "title": one.yardstick.title,
        "source": one.yardstick.source,
        "date": one.yardstick.date,
        "percent": round(one.percent, 1),
        "counts": {state: one.count(state) for state in _STATES},
        "elements": [
            {
                "id": row.element.id,
                "name": row.element.name,
                "cluster": row.element.cluster,
                "asked_of": row.element.scope,
                "state": row.state,
                "present": row.present,
                "unknown": row.unknown,
                "asked": row.asked,
                "place": row.where,
                "lacking": row.lacking,
            }
            for row in one.results
        ],
    }


def _in_short(one: "Score") -> str:
    asked = len(one.results) - one.count("nothing")
    said = f"{one.percent:.0f} % of the {asked} elements that can be asked of this document"
    parts = [f"{one.count('present')} present", f"{one.count('partial')} in part"]
    parts += [f"{one.count('unknown')} unknown and said so", f"{one.count('absent')} absent"]
    if one.count("nothing"):
        parts.append(f"{one.count('nothing')} not asked, for want of a model or data set")
    return f"{said}: {', '.join(parts)}"


def _places(row: "Result") -> str:
    if not row.asked:
        return ""
    many = f"  {row.present} of {row.asked}" if row.asked > 1 else ""
    unknown = f", {row.unknown} said to be unknown" if row.unknown and row.asked > 1 else ""
    where = f"  {visible(row.where, limit=120)}" if row.where else ""
    lacking = f"  not at {visible(row.lacking, limit=120)}" if row.lacking and row.present else ""
    return f"{many}{unknown}{where}{lacking}"


def _score_table(scores: "Sequence[Score]") -> Iterator[str]:
    """All standards in one table, and below it their elements."""
    yield from ("| standard | of | covered | present | in part | unknown, said so | absent | not asked |",)
    yield "|---|---|---|---|---|---|---|---|"
    for one in scores:
        counts = " | ".join(str(one.count(state)) for state in _STATES)
        yield f"| {one.yardstick.title} | {one.yardstick.date} | {one.percent:.0f} % | {counts} |"
    for one in scores:
        yield from ("", f"### {one.yardstick.title}", "", one.yardstick.source, "")
        yield from ("| element | there | how many | place |", "|---|---|---|---|")
        for row in one.results:
            name = f"{row.element.cluster}: {row.element.name}" if row.element.cluster else row.element.name
            where = f"`{_cell(row.where)}`" if row.where else ""
            state = _STATES[row.state].partition(":")[0]
            yield f"| {name} | {state} | {row.present} of {row.asked} | {where} |"


# --- diff -------------------------------------------------------------------------------------------------


def compared(found: "Difference", old: str, new: str, form: str) -> bytes:
    """What differs between two documents."""
    if form == "json":
        return _json(
            {
                "old": old,
                "new": new,
                "added": [_part(one) for one in found.added],
                "removed": [_part(one) for one in found.removed],
                "changed": [_changed(one) for one in _by_weight(found.changed)],
                "vulnerabilities": {
                    "added": list(found.vulnerabilities_added),
                    "removed": list(found.vulnerabilities_removed),
                },
            }
        )
    return _bytes(_markdown(found) if form == "markdown" else _text(found))


def _by_weight(rows: "Sequence[Changed]") -> "list[Changed]":
    return sorted(rows, key=lambda one: (not one.same_version, one.new.shown, one.new.where))


def _part(part: "Part") -> dict[str, object]:
    return {
        "name": part.shown,
        "type": part.kind,
        "version": part.version,
        "purl": part.purl,
        "place": part.where,
    }


def _changed(one: "Changed") -> dict[str, object]:
    return {
        **_part(one.new),
        "same_version_other_bytes": one.same_version,
        "changes": [
            {"what": row.what, "place": row.place, "old": row.old, "new": row.new} for row in one.changes
        ],
    }


def _text(found: "Difference") -> Iterator[str]:
    if not found:
        yield "No difference."
        return
    for one in _by_weight(found.changed)[:_SHOWN]:
        mark = "!" if one.same_version else "~"
        warning = "  other bytes under the same version" if one.same_version else ""
        yield f"{mark} {visible(one.new.shown, limit=160)}{warning}"
        for row in one.changes:
            yield f"    {_named(row)}: {_value(row.old)} -> {_value(row.new)}"
    yield from _few(found.changed)
    for mark, rows in (("+", found.added), ("-", found.removed)):
        for part in rows[:_SHOWN]:
            yield f"{mark} {visible(part.shown, limit=160)}{_purl(part)}"
        yield from _few(rows)
    for mark, names in (("+", found.vulnerabilities_added), ("-", found.vulnerabilities_removed)):
        if names:
            shown = ", ".join(visible(name, limit=60) for name in names[:_SHOWN])
            yield f"{mark} vulnerabilities: {shown}"
    yield _sum(found)


def _sum(found: "Difference") -> str:
    swapped = sum(one.same_version for one in found.changed)
    text = f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    return f"{text}, {swapped} of them with other bytes under the same version." if swapped else f"{text}."


def _purl(part: "Part") -> str:
    return f"  {visible(part.purl, limit=200)}" if part.purl else ""


def _named(row: "Change") -> str:
    if row.what == "model card":
        return f"model card {visible(row.place.removeprefix('/modelCard'), limit=160)}"
    return row.what


def _value(text: str) -> str:
    return visible(text, limit=200) or "nothing"


def _markdown(found: "Difference") -> Iterator[str]:
    yield f"**Bill of materials: {_sum(found) if found else 'no difference.'}**"
    if found.changed:
        yield from ("", "| changed | what | before | after |", "|---|---|---|---|")
        for one in _by_weight(found.changed)[:_SHOWN]:
            for row in one.changes:
                warning = " ⚠ same version" if row.what == "hash" and one.same_version else ""
                name = f"{_cell(one.new.shown)}{warning}"
                yield f"| {name} | {_cell(_named(row))} | {_cell(row.old)} | {_cell(row.new)} |"
        yield from _few(found.changed)
    for word, rows in (("added", found.added), ("removed", found.removed)):
        if rows:
            yield from ("", f"| {word} | package URL |", "|---|---|")
            yield from (f"| {_cell(part.shown)} | {_cell(part.purl)} |" for part in rows[:_SHOWN])
            yield from _few(rows)
    for word, names in (
        ("New", found.vulnerabilities_added),
        ("Gone", found.vulnerabilities_removed),
    ):
        if names:
            yield from ("", f"{word} vulnerabilities: {', '.join(_cell(name) for name in names[:_SHOWN])}")


# --- affected ---------------------------------------------------------------------------------------------


def affected(asked: "Question", hits: "Sequence[Hit]", count: int, unread: Sequence[str], form: str) -> bytes:
    """Which documents hold what was asked for."""
    documents = {hit.document for hit in hits if hit.sure}
    if form == "json":
        return _json(
            {
                "asked": asked.title,
                "documents": count,
                "affected": len(documents),
                "hits": [
                    {
                        "document": hit.document,
                        "place": hit.where,
                        "component": hit.component,
                        "purl": hit.purl,
                        "sure": hit.sure,
                        "because": hit.because,
                    }
                    for hit in hits
                ],
                "unread": list(unread),
                "notes": list(asked.notes),
            }
        )
    unsure = {hit.document for hit in hits} - documents
    ending = "s" if 1 in (len(documents), count) else ""
    total = f"{len(documents)} of {_count(count, 'document')} hold{ending} it"
    if unsure:
        total += f"; of {len(unsure)} more it cannot be told"
    if unread:
        total += f"; {len(unread)} could not be read"
    if form == "markdown":
        rows = [
            f"| {_cell(hit.document)} | {_cell(hit.component)} | {'yes' if hit.sure else 'perhaps'} "
            f"| {_cell(hit.because)} | `{_cell(hit.where)}` |"
            for hit in hits[:_SHOWN]
        ]
        table = ["", "| document | component | affected | because | place |", "|---|---|---|---|---|", *rows]
        return _bytes([f"**{_cell(asked.title)}**: {total}.", *(table if rows else []), *_few(hits)])
    lines = [
        f"{'affected' if hit.sure else 'perhaps ':8}  {visible(hit.document, limit=200)}: "
        f"{visible(hit.component, limit=160)}  {hit.where}{f'  ({hit.because})' if hit.because else ''}"
        for hit in hits[:_SHOWN]
    ]
    lines += [f"not read  {one}" for one in unread[:_SHOWN]]
    return _bytes([*lines, *_few(hits), f"{asked.title}: {total}."])
