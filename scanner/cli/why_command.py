"""``weighbridge why``: who asks for a package, and how it comes in."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import replace
from scanner.cli.options import Config, Projects, Untrusted
from scanner.errors import UsageError

if TYPE_CHECKING:
    from sbom.model import Component
    from scanner.survey import Survey
    from scanner.why import Answer

_NEEDED = 8  # dependents in one line
_UNREAD = "COV-005"


def why(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A package: torch, torch==2.1.0, pkg:pypi/torch."),
    ],
    path: Annotated[Path, typer.Argument(help="The checkout.")] = Path(),
    form: Annotated[str, typer.Option("--format", "-f", help="text (default) or json.")] = "text",
    projects: Projects = None,
    config: Config = None,
    untrusted: Untrusted = False,
) -> None:
    """Print who asks for a package: every file and line, and the shortest way to it.

    Only manifests and locks are read. Exit codes: 0 somebody asks for it; 1 nobody does; 2 wrong usage;
    3 nobody does, as far as could be read.

    Examples: weighbridge why numpy; weighbridge why torch==2.1.0 services/api --format json
    """
    from scanner.cli import output
    from scanner.cli.settings import gather
    from scanner.survey import survey

    if form not in ("text", "json"):
        raise UsageError(f"--format: no format {form!r}; there are: text, json")
    if not name.strip():
        raise UsageError("the name of a package is wanted")
    gathered = gather(path, config=config, untrusted=untrusted, check_advisories=False)
    policy = replace(gathered.policy, projects=tuple(projects or ()))
    seen = survey(path, policy, artifacts=False)
    answers, near = _asked(name, seen)
    if form == "json":
        output.show(_document(name, answers, near, seen))
    else:
        lines = [*_text(name, answers, near, seen), *_not_read(seen)]
        output.show(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
    output.tell(policy.notices)
    if not answers:
        raise typer.Exit(3 if list(_unread(seen)) else 1)


def _asked(name: str, seen: "Survey") -> tuple[tuple["Answer", ...], tuple[str, ...]]:
    from scanner import projects
    from scanner import why as asking
    from scanner.inventory import take_stock

    stock = take_stock(seen.readings)
    if seen.scope is not None:
        stock = projects.limited(stock, seen.scope)
    answers = asking.ask(stock, name)
    return answers, () if answers else asking.near(stock, name)


def _unread(seen: "Survey") -> Iterator[tuple[str, str]]:
    """Places in manifests that nobody could read, and why."""
    for row in seen.evidence:
        if row.rule == _UNREAD:
            yield str(row.where), row.message


# --- text -------------------------------------------------------------------------------------------------


def _text(name: str, answers: Sequence["Answer"], near: Sequence[str], seen: "Survey") -> Iterator[str]:
    from scanner.text import visible

    if not answers:
        read = len(seen.rows)
        yield (
            f"Nobody asks for {visible(name, limit=200)}: it is in none of the "
            f"{read} manifest{'' if read == 1 else 's'} that {'was' if read == 1 else 'were'} read."
        )
        if near:
            yield f"Nearest: {', '.join(visible(each, limit=120) for each in near)}"
        return
    for number, answer in enumerate(answers):
        if number:
            yield ""
        yield from _answer(answer)


def _answer(answer: "Answer") -> Iterator[str]:
    from scanner.text import visible
    from scanner.why import says

    one = answer.component
    asked = "asked for directly" if one.direct else "brought in by others"
    yield f"{_release(one)}  {visible(one.purl, limit=300)}"
    yield f"  project {visible(one.project, limit=200)}, {asked}"
    width = max((len(visible(str(row.where), limit=200)) for row in answer.declarations), default=0)
    for row in answer.declarations:
        place = visible(str(row.where), limit=200)
        yield f"    {place:<{min(width, 60)}}  {visible(says(row), limit=300)}"
    if not answer.declarations:
        for where in one.seen:
            yield f"    {visible(str(where), limit=200)}"
    if not one.direct:
        way = " -> ".join(_release(each) for each in answer.way)
        yield f"  shortest way: {way}" if way else "  no way to it: the lock does not say who needs it"
    if answer.needed_by:
        listed = ", ".join(_release(each) for each in answer.needed_by[:_NEEDED])
        more = len(answer.needed_by) - _NEEDED
        yield f"  needed by: {listed}{f' and {more} more' if more > 0 else ''}"


def _release(one: "Component") -> str:
    from scanner.text import visible

    version = one.version or one.specifier
    return visible(f"{one.name} {version}".strip(), limit=200)


def _not_read(seen: "Survey") -> Iterator[str]:
    from scanner.text import visible

    rows = list(_unread(seen))
    if not rows:
        return
    yield ""
    yield f"Not read, so that it may be asked for there too ({len(rows)}):"
    for place, message in rows:
        yield f"  {visible(place, limit=200)}: {visible(message, limit=300)}"


# --- JSON -------------------------------------------------------------------------------------------------


def _document(name: str, answers: Sequence["Answer"], near: Sequence[str], seen: "Survey") -> bytes:
    import json

    document = {
        "name": name,
        "found": bool(answers),
        "components": [_row(answer) for answer in answers],
        "near": list(near),
        "manifests": len(seen.rows),
        "not_read": [{"where": place, "message": message} for place, message in _unread(seen)],
    }
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode()


def _row(answer: "Answer") -> dict[str, object]:
    from scanner.codec import encode_location
    from scanner.why import says

    one = answer.component
    return {
        **_short(one),
        "ecosystem": one.ecosystem,
        "kind": one.kind.value,
        "project": one.project,
        "direct": one.direct,
        "scope": one.scope.value,
        "declarations": [
            {
                "where": encode_location(row.where),
                "says": says(row),
                "name": row.name,
                "version": row.version,
                "specifier": row.specifier,
                "marker": row.marker,
                "extras": list(row.extras),
                "group": row.group,
                "locked": row.locked,
                "constraint": row.constraint,
            }
            for row in answer.declarations
        ],
        "way": [_short(each) for each in answer.way],
        "needed_by": [_short(each) for each in answer.needed_by],
    }


def _short(one: "Component") -> dict[str, object]:
    return {
        "ref": one.ref,
        "purl": one.purl,
        "name": one.name,
        "version": one.version,
        "specifier": one.specifier,
    }
