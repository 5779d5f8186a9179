"""``weighbridge trace``: how something comes to be loaded, from the pipeline to what is wrong with it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import replace
from scanner.cli.options import Config, HubCache, Projects, Untrusted
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.model import Report
    from scanner.reports.linked import Linked

_WIDTH = 100
_NEAR = 5


def trace(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ARTIFACT|PACKAGE|REFERENCE",
            help="A file or folder, a line of code (train.py:18), a package, a model or data set of a hub, "
            "an address, a package URL, a pipeline, or a finding's fingerprint.",
        ),
    ],
    path: Annotated[Path, typer.Argument(help="The checkout.")] = Path(),
    form: Annotated[str, typer.Option("--format", "-f", help="text (default) or json.")] = "text",
    advisories_path: Annotated[
        Path | None, typer.Option("--advisories", help="An advisory snapshot, archive or folder of records.")
    ] = None,
    no_advisories: Annotated[
        bool, typer.Option("--no-advisories", help="Leave known vulnerabilities out.")
    ] = False,
    projects: Projects = None,
    config: Config = None,
    untrusted: Untrusted = False,
    hub_cache: HubCache = None,
) -> None:
    """Print how something comes to be loaded: pipeline, script, line, file, finding, fix.

    Nothing is run. Exit codes: 0 something loads it; 1 nothing does; 2 wrong usage; 3 nothing does, as far as
    could be read.

    Examples: weighbridge trace models/encoder.pt; weighbridge trace bert-base-uncased services/api
    """
    from scanner.cli import output, sought
    from scanner.cli.settings import gather
    from scanner.pipeline import scan as run_scan
    from scanner.reports import linked

    if form not in ("text", "json"):
        raise UsageError(f"--format: no format {form!r}; there are: text, json")
    if not name.strip():
        raise UsageError("a file, a package or a reference is wanted")
    names = sought.spellings(name, path)
    gathered = gather(
        path,
        config=config,
        untrusted=untrusted,
        check_advisories=not no_advisories,
        advisories__path=advisories_path,
        hub_cache=hub_cache,
    )
    policy = replace(gathered.policy, projects=tuple(projects or ()))
    report = run_scan(path, policy)
    rows = linked.linked(report)
    found = rows if "." in names else next((some for one in names if (some := linked.about(rows, one))), ())
    if not found:
        sought.check_inside(name, path)
    open_ = _open(report)
    if form == "json":
        output.show(_document(name, found, open_))
    else:
        what = "" if found else sought.is_what(name, path, report, rows)
        text = _text(name, what, found, rows, report, open_)
        output.show(text.encode("utf-8", "backslashreplace"))
    output.tell(policy.notices)
    if not found:
        raise typer.Exit(3 if open_ else 1)


def _open(report: "Report") -> list[tuple[str, str]]:
    """Places where something is loaded that nobody can name, or code that could not be read."""
    loose = [(str(chain.where), chain.loads) for chain in report.chains if _is_open(chain.loads)]
    unread = [
        (str(row.where), row.detail) for row in report.coverage.not_checked if row.inspector == "python"
    ]
    return sorted({*loose, *unread})


def _is_open(loads: str) -> bool:
    return loads.startswith("something that the code does not tell")


def _text(
    name: str,
    what: str,
    found: "Sequence[Linked]",
    rows: "Sequence[Linked]",
    report: "Report",
    open_: Sequence[tuple[str, str]],
) -> str:
    from difflib import get_close_matches

    from scanner.reports.page import Page
    from scanner.reports.text.running import chain_lines
    from scanner.text import counted, visible

    page = Page(_WIDTH)
    if found:
        chain_lines(page, found, None)
        return page.render(colour=False)
    page.put(
        what
        or f"Nothing in the checkout is called {visible(name, limit=200)}, and no line of code that was read "
        f"loads it: {len(rows)} that load something stand in {counted(report.coverage.files, 'file')}."
    )
    names = {row.component.name for row in rows if row.component} | {
        where.path for row in rows for where in row.chain.artifacts
    }
    near = get_close_matches(name, sorted(names), _NEAR, 0.6)
    if near:
        page.put(f"Nearest: {', '.join(visible(each, limit=120) for each in near)}")
    if open_:
        page.put(f"It may be loaded all the same ({len(open_)}):")
        for place, said in open_[:20]:
            page.put(f"{visible(place, limit=200)}: {visible(said, limit=300)}", indent=2)
    return page.render(colour=False)


def _document(name: str, found: "Sequence[Linked]", open_: Sequence[tuple[str, str]]) -> bytes:
    import json

    from scanner.codec import encode_location
    from scanner.reports.linked import encode

    document = {
        "name": name,
        "found": bool(found),
        "chains": [
            {
                **encode(row),
                "findings": [
                    {
                        "rule": one.evidence.rule,
                        "level": one.level,
                        "where": encode_location(one.evidence.where),
                        "title": one.title,
                        "message": one.evidence.message,
                        "remedy": one.remedy,
                        "fingerprint": one.fingerprint,
                    }
                    for one in row.findings
                ],
            }
            for row in found
        ],
        "not_told": [{"where": place, "message": said} for place, said in open_],
    }
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode()
