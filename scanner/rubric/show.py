"""The rubric as text for a terminal: a rule, a level, a pack, or the whole of it."""

from collections.abc import Iterable, Iterator

from scanner.errors import UsageError
from scanner.model import FACTORS, LEVELS
from scanner.rubric import explain, packs, rollup, rules, tables
from scanner.rubric.tables import LevelRow


def show(name: str = "") -> str:
    """The rule, level or pack of this name, in any case; without a name the whole rubric in short.

    Raises UsageError, with the nearest name, where there is none.
    """
    if not name:
        return _text(_overview())
    if name.lower() in LEVELS:
        return _text(_level(tables.load().levels[name.lower()]))  # type: ignore[index]  # tested above
    if name.lower() in packs.load():
        return _text(_pack(name.lower()))
    if name.upper() in rules.load():
        return _text(explain.explain_rule(rules.find(name)))
    from difflib import get_close_matches

    known = {each.lower(): each for each in (*LEVELS, *packs.load(), *rules.load())}
    near = get_close_matches(name.lower(), known, 1)
    raise UsageError(
        f"no rule, level or pack {name!r}" + (f"; the nearest is {known[near[0]]}" if near else "")
    )


def _overview() -> Iterator[str]:
    rubric = tables.load()
    yield f"Rubric {rubric.version} (sha256 {tables.digest()})"
    yield f"Rules  {rules.version()} (sha256 {tables.rules_digest()})"
    yield ""
    yield "Levels, the worst first:"
    for level in reversed(LEVELS):
        row = rubric.levels[level]
        fix = f"mend within {rollup.in_words(row.fix)}" if row.fix else "no date"
        yield f"  {level:9} grade {rollup.grade(level)}  {fix:21} {row.title}"
    yield ""
    yield "Factors, from the least bad to the worst:"
    for name in FACTORS:
        row_of = rubric.data["factors"][name]
        yield f"  {name:13} {' < '.join(row_of['order'])}   {row_of['title']}"
    yield ""
    yield "Rules:"
    for family, title in rules.families().items():
        number = sum(each.startswith(f"{family}-") for each in rules.load())
        yield f"  {family}  {number:3}  {title}"
    yield ""
    yield "Packs:"
    for id_, pack in packs.load().items():
        yield f"  {id_:15}  {pack['title']}"


def _level(row: LevelRow) -> Iterator[str]:
    yield f"{row.id}: {row.title}"
    yield f"  {row.meaning}"
    yield ""
    for verb, duration in (("Look at it", row.triage), ("Contain it", row.mitigate), ("Mend it", row.fix)):
        if duration:
            yield f"  {verb} within {rollup.in_words(duration)}."
    if row.fix_if_no_upstream_fix:
        longer = rollup.in_words(row.fix_if_no_upstream_fix)
        yield f"  Mend it within {longer} where its makers offer no fix yet."
    yield f"  Tell: {row.escalate_to}. Disclose: {row.disclose}."
    yield f"  Grade {rollup.grade(row.id)}; release {row.release}."
    if row.waiver_longest:
        people = f"{row.waiver_approvers} {'person' if row.waiver_approvers == 1 else 'people'}"
        yield f"  May be waived by {people} for at most {rollup.in_words(row.waiver_longest)}."
    else:
        yield "  Cannot be waived; if it is wrong, it can be disputed for these very bytes by two people."
    yield f"  Keep as evidence: {'; '.join(row.evidence)}."


def _pack(id: str) -> Iterator[str]:  # noqa: A002  (a pack has an id, as rules have)
    pack = packs.load()[id]
    yield f"{id}: {pack['title']}"
    yield f"  {pack['meaning']}"
    yield ""
    for key, value in pack.items():
        if key not in ("id", "title", "meaning"):
            yield f"  {key.replace('_', ' ')}: {_plain(value)}"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
