"""``weighbridge sbom``: write a bill of materials, and work with those of any tool."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import replace
from scanner.cli.options import Advisories, Config, File, HubCache, Projects, Texts, Untrusted
from scanner.errors import UsageError

if TYPE_CHECKING:
    from sbom.document import Document

app = typer.Typer(help="The bill of materials.", no_args_is_help=True, rich_markup_mode=None)

_FORMATS = ("text", "markdown", "json")
_FOUND, _UNCHECKED = 1, 3
_SPDX = "spdx-3.0"
_MAX_FILES = 100_000

Documents = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="CycloneDX or SPDX 2.3 JSON; folders are searched.")
]
Format = Annotated[str, typer.Option("--format", "-f", help="text (default), markdown or json.")]


def refuse(options: Mapping[str, object]) -> None:
    """Raises UsageError for the first option that is set although a document is judged, not a tree."""
    for name, value in options.items():
        if value:
            raise UsageError(f"--sbom takes the place of a checkout: {name} has no meaning beside it")


@app.command("write")
def sbom_write(
    path: Annotated[Path, typer.Argument(help="The checkout.")] = Path(),
    output_path: Annotated[
        File, typer.Option("--output", "-o", help="Where to write; standard output without it.")
    ] = None,
    advisories_path: Advisories = None,
    no_advisories: Annotated[
        bool, typer.Option("--no-advisories", help="Leave known vulnerabilities out.")
    ] = False,
    config: Config = None,
    untrusted: Untrusted = False,
    projects: Projects = None,
    hub_cache: HubCache = None,
    spec: Annotated[
        str,
        typer.Option("--spec", help="CycloneDX 1.6 (default) or 1.7, or spdx-3.0: SPDX 3.0.1 as JSON-LD."),
    ] = "1.6",
) -> None:
    """Write the CycloneDX bill of materials of a checkout, with SHA-256 and SHA-512 of its model files.

    It makes no judgement: the exit code says only whether the document was written. With SOURCE_DATE_EPOCH
    set, the same checkout is the same bytes; the serial number is made from the content.

    Example: weighbridge sbom write . --spec 1.7 -o bom.json
    """
    from sbom.cyclonedx import SPECS
    from scanner.cli import output, progress
    from scanner.cli.settings import gather
    from scanner.pipeline import scan as run_scan

    if spec not in {*SPECS, _SPDX}:
        raise UsageError(f"--spec: no {spec!r} here; there are: {', '.join((*SPECS, _SPDX))}")
    target = str(output_path) if output_path else "-"
    form = "spdx3" if spec == _SPDX else "cyclonedx"
    plan = replace(output.plan([], [f"{form}={target}"], verbose=0), spec=spec)
    if output_path is not None:
        plan = replace(plan, printed=())  # no judgement was asked for
    gathered = gather(
        path,
        config=config,
        untrusted=untrusted,
        check_advisories=not no_advisories,
        advisories__path=advisories_path,
        hub_cache=hub_cache,
    )
    policy = replace(gathered.policy, projects=tuple(projects or ()), shown=plan.shown)
    progress.begin()
    output.write(run_scan(path, policy), plan, policy, path)


@app.command("check")
def sbom_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CycloneDX or SPDX 2.3 JSON, of any tool.")],
    no_schema: Annotated[
        bool, typer.Option("--no-schema", help="Leave the schema itself out: much faster.")
    ] = False,
    ignore: Annotated[
        Texts, typer.Option("--ignore", metavar="LAW", help="Do not count problems of this law. May repeat.")
    ] = None,
    format_name: Format = "text",
) -> None:
    """Check a document: its schema, and what the schema lets through.

    References that lead nowhere, package URLs and licence expressions that are none, hashes of a wrong
    length, components that nothing leads to or that stand there twice.

    Exit codes: 0 nothing is wrong; 1 something is; 2 no document; 3 the schema could not be checked.

    Example: weighbridge sbom check bom.json
    """
    from sbom import check, check_spdx, schema
    from scanner.cli import output, sbom_output
    from scanner.cli.settings import read_bounded

    _known(format_name)
    data = read_bounded(file)
    document = _parsed(data, file)
    checker = check.check if document.kind == "cyclonedx" else check_spdx.check
    problems = checker(document.data)
    checked = schema.Checked() if no_schema else schema.check(document, data.decode("utf-8-sig"))
    left = frozenset(ignore or ())
    laws = {one.law for one in (*problems, *checked.problems)}
    shown = sorted(one for one in {*problems, *checked.problems} if one.law not in left)
    unasked = checked.missing or ("--no-schema" if no_schema else "")
    output.show(sbom_output.checked(document, shown, unasked, format_name))
    if unused := sorted(left - laws):
        output.tell([f"--ignore: nothing broke the law {name}" for name in unused])
    raise typer.Exit(_FOUND if shown else _UNCHECKED if checked.missing else 0)


@app.command("score")
def sbom_score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CycloneDX or SPDX 2.3 JSON, of any tool.")],
    standards: Annotated[
        Texts,
        typer.Option(
            "--standard",
            metavar="NAME",
            help="ntia-2021, cisa-2025-draft, bsi-tr-03183-2, g7-ai-2026, owasp-aibom. May repeat.",
        ),
    ] = None,
    format_name: Format = "text",
) -> None:
    """Say how much of what the standards ask a document says, element by element, with the place.

    What a document states to be unknown is told apart from what it leaves out. It makes no judgement: the
    exit code is 0.

    Example: weighbridge sbom score bom.json --standard g7-ai-2026 --format markdown
    """
    from sbom import score
    from scanner.cli import output, sbom_output

    _known(format_name)
    known = {one.id: one for one in score.yardsticks()}
    for name in standards or ():
        if name not in known:
            raise UsageError(f"no standard {name!r} here; there are: {', '.join(known)}")
    chosen = [known[name] for name in standards] if standards else list(known.values())
    document = _load(file)
    output.show(sbom_output.scored(document, score.score(document, chosen), format_name))


@app.command("diff")
def sbom_diff(
    old: Annotated[Path, typer.Argument(metavar="A", help="The earlier document.")],
    new: Annotated[Path, typer.Argument(metavar="B", help="The later one.")],
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 where anything differs, as git diff does.")
    ] = False,
    format_name: Format = "text",
) -> None:
    """Compare two documents: components, versions, hashes, licences, model cards.

    A hash that changed while the version did not comes first.

    Example: weighbridge sbom diff released.json today.json --format markdown
    """
    from sbom import diff
    from scanner.cli import output, sbom_output

    _known(format_name)
    before, after = _load(old), _load(new)
    found = diff.compare(before, after)
    output.show(sbom_output.compared(found, str(old), str(new), format_name))
    raise typer.Exit(_FOUND if found and exit_code else 0)


@app.command("merge")
def sbom_merge(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CycloneDX JSON, two or more.")],
    output_path: Annotated[
        File, typer.Option("--output", "-o", help="Where to write; standard output without it.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What the whole is called.")] = "merged",
) -> None:
    """Merge documents into one: nothing is dropped, and each component says where it came from.

    Example: weighbridge sbom merge api.json training.json --name platform -o all.json
    """
    import os

    from sbom import gather
    from sbom.document import DocumentError
    from scanner.cli import output
    from scanner.cli.settings import clock
    from scanner.cli.targets import writable

    if len(files) < 2:
        raise UsageError("sbom merge: name two documents or more")
    if output_path is not None:
        writable(output_path, "--output")
    stamp = clock().isoformat(timespec="seconds") if os.environ.get("SOURCE_DATE_EPOCH") else ""
    try:
        data = gather.merge([_load(file) for file in files], name=name, timestamp=stamp)
    except DocumentError as error:
        raise UsageError(f"sbom merge: {_visible(str(error))}") from error
    if output_path is None:
        output.show(data)
    else:
        output.replace_file(output_path, data, "--output: ")


@app.command("affected")
def sbom_affected(
    query: Annotated[
        str,
        typer.Argument(
            metavar="ID|PURL|SHA256",
            help="An advisory or incident (CVE-…, INC-…), pkg:pypi/name@1.0, pkg:pypi/name@>=1,<2.",
        ),
    ],
    files: Documents,
    advisories_path: Advisories = None,
    format_name: Format = "text",
) -> None:
    """Say which stored documents hold what an advisory, an incident, a package URL or a digest names.

    Exit codes: 0 none holds it; 1 some does; 2 wrong usage; 3 none surely does, but of something it could
    not be told, or a document could not be read.

    Example: weighbridge sbom affected CVE-2025-32434 boms/
    """
    from scanner import advisories
    from scanner.advisories import affected
    from scanner.cli import output, sbom_output

    _known(format_name)
    if advisories_path is not None and not advisories_path.exists():
        raise UsageError(f"--advisories: no such file or folder: {advisories_path}")
    hits: list[affected.Hit] = []
    unread: list[str] = []
    count = 0
    with advisories.open_snapshot(advisories_path) as snapshot:
        asked = affected.question(query, snapshot)
        for found in _every(files):
            if isinstance(found, str):
                unread.append(found)
                continue
            count += 1
            hits += affected.find(asked, found)
    output.show(sbom_output.affected(asked, hits, count, unread, format_name))
    output.tell(asked.notes)
    sure = any(hit.sure for hit in hits)
    raise typer.Exit(_FOUND if sure else _UNCHECKED if hits or unread or not count else 0)


def _every(files: Sequence[Path]) -> "Iterator[Document | str]":
    """Each document of files and folders; of what cannot be read the reason. In a folder only what ends in
    .json counts, and other JSON than bills of materials does not. UsageError for a file that is not there,
    and for one document asked alone that is none; among others such a one costs only the answer for itself.
    """
    from sbom.document import DocumentError, is_one, parse
    from scanner.cli.settings import read_bounded

    for file in files:
        inside = sorted(file.rglob("*.json"))[:_MAX_FILES] if file.is_dir() else None
        for one in inside if inside is not None else [file]:
            if inside is not None and (one.is_symlink() or not one.is_file()):
                continue
            try:
                data = read_bounded(one)
                if inside is None or is_one(data):
                    yield parse(data, str(one))
            except DocumentError as error:
                if inside is None and len(files) == 1:
                    raise UsageError(_visible(f"{one} {error}")) from error
                yield _visible(f"{one} {error}")
            except UsageError as error:
                if inside is None:
                    raise
                yield _visible(str(error))


def _load(file: Path) -> "Document":
    from scanner.cli.settings import read_bounded

    return _parsed(read_bounded(file), file)


def _parsed(data: bytes, file: Path) -> "Document":
    """Raises UsageError naming the file where it is no document that is read here."""
    from sbom.document import DocumentError, parse

    try:
        return parse(data, str(file))
    except DocumentError as error:
        raise UsageError(_visible(f"{file} {error}")) from error


def _visible(text: str) -> str:
    from scanner.text import visible

    return visible(text, limit=500)


def _known(format_name: str) -> None:
    if format_name not in _FORMATS:
        raise UsageError(f"no format {format_name!r} here; there are: {', '.join(_FORMATS)}")
