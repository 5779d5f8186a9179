"""``weighbridge lock`` and ``weighbridge verify``: digests written down, and held against the files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbom.record import record
from scanner.cli.options import (
    Baseline,
    Config,
    Context,
    Excludes,
    FailOn,
    HubCache,
    Jobs,
    Lock,
    Packs,
    Quiet,
    Summary,
    Text,
    Texts,
    Untrusted,
    Verbose,
)
from scanner.errors import ConfigurationError, UsageError
from scanner.text import counted, visible

if TYPE_CHECKING:
    from scanner.integrity import lock as locks
    from scanner.integrity.held import Found
    from scanner.policy import Policy
    from scanner.survey import Survey
    from scanner.vouched import Read


def lock(
    paths: Annotated[
        Texts, typer.Argument(help="The checkout; with --update the files or folders to write anew.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Change only the entries of the named files and folders.")
    ] = False,
    root: Annotated[
        Path, typer.Option("--root", metavar="FOLDER", help="The checkout, where --update names files.")
    ] = Path(),
    lock_path: Annotated[
        Path | None,
        typer.Option(
            "--lock", metavar="FILE", help="Where the lock lies, if not at the top of the checkout."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a lock that cannot be read, or is a link.")
    ] = False,
    config: Config = None,
    untrusted: Untrusted = False,
    exclude: Excludes = None,
    hub_cache: HubCache = None,
    jobs: Jobs = None,
) -> None:
    """Write weighbridge.lock: which bytes each model file and data set has now.

    It judges nothing: look at the files first (weighbridge scan). weighbridge verify compares later.

    Examples: weighbridge lock; weighbridge lock --update models/encoder.pt data/
    """
    from scanner import vouched
    from scanner.cli import output, progress
    from scanner.cli.settings import gather
    from scanner.integrity import lock as locks

    root, named = _asked(paths or [], root, update=update)
    gathered = gather(
        root,
        config=config,
        untrusted=untrusted,
        check_advisories=False,
        exclude=exclude,
        jobs=jobs,
        hub_cache=hub_cache,
    )
    target = lock_path or root / locks.NAME
    before = _before(target, force=force)
    if update and before is None:
        raise UsageError(f"--update: there is no lock at {target}: weighbridge lock writes a whole one")
    policy = gathered.policy
    progress.begin()
    old = before.lock if before is not None else None
    made = _updated(root, policy, old, named) if update and old is not None else _whole(root, policy, old)
    progress.end()
    data = locks.render(made.lock)
    locks.parse(data)  # what cannot be read again is not written
    if before is None or data != before.data:
        _must_be_unchanged(target, before, force=force)
        output.replace_file(target, data, "lock: ")
    untold = _untold(made.found, made.lock, named if update else None)
    output.tell((*policy.notices, *vouched.unread_code(made.seen), *untold))
    output.show(_summary(before, made.lock, target).encode("utf-8", "replace"))


@record
class _Made:
    """A lock, the files that it is made of, and the survey that found them."""

    lock: "locks.Lock"
    found: "list[Found]"
    seen: "Survey"


def _updated(root: Path, policy: "Policy", before: "locks.Lock", named: Sequence[str]) -> _Made:
    """The lock with the entries of the named files and folders written anew."""
    from scanner import vouched
    from scanner.locking import everything
    from scanner.survey import survey

    seen = survey(root, policy, artifacts=False)
    walked = [*(job.path for job in seen.jobs), *seen.links, *(row.path for row in seen.closed)]
    only = {path for path in (*walked, *before.files) if vouched.is_named(path, named)}
    # Whoever names a file has it locked, whatever it is.
    known = [*before.files, *(only & set(named))]
    found = everything(root, seen, known, only=only, jobs=policy.jobs)
    _must_be_known(named, found, before)
    return _Made(vouched.updated(before, found, named, _tool()), found, seen)


def _whole(root: Path, policy: "Policy", before: "locks.Lock | None") -> _Made:
    """The lock of everything that lies there and is asked for."""
    from scanner import joining, vouched
    from scanner.inventory import take_stock
    from scanner.locking import everything
    from scanner.survey import survey

    seen = survey(root, policy, artifacts=False, code=True)
    found = everything(root, seen, before.files if before is not None else (), jobs=policy.jobs)
    stock = take_stock(seen.readings)
    components = joining.asked_for(stock, joining.read_code(seen, stock, root, policy))
    return _Made(vouched.written(found, seen, components, before, _tool(), policy.hub_cache), found, seen)


def _tool() -> str:
    from scanner import __version__

    return f"weighbridge {__version__}"


def verify(
    path: Annotated[Path, typer.Argument(help="The checkout.")] = Path(),
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Read only files whose size or times changed since the last verify."),
    ] = False,
    lock_path: Lock = None,
    formats: Annotated[
        Texts,
        typer.Option("--format", "-f", help="Report on standard output: text (default), json, sarif."),
    ] = None,
    outputs: Annotated[
        Texts,
        typer.Option("--output", "-o", metavar="FORMAT=PATH", help="A report into a file. May repeat."),
    ] = None,
    files_from: Annotated[
        Text,
        typer.Option("--files-from", metavar="FILE", help="Only the paths it lists; - is standard input."),
    ] = None,
    fail_on: FailOn = None,
    context: Context = None,
    config: Config = None,
    untrusted: Untrusted = False,
    packs: Packs = None,
    baseline: Baseline = None,
    jobs: Jobs = None,
    verbose: Verbose = 0,
    quiet: Quiet = 0,
    summary: Summary = False,
) -> None:
    """Hold every model file and data set to weighbridge.lock: changed, missing, new, moved.

    All bytes are read. Exit codes as of a scan: 1 a file changed; 2 no lock, or none that can be read; 3 no
    file changed, but one is missing or does not stand in the lock.

    Examples: weighbridge verify; weighbridge verify . --format json; weighbridge verify --quick
    """
    from scanner.cli import output, progress
    from scanner.cli.settings import gather, names_from
    from scanner.pipeline import verify as run_verify

    plan = output.plan(formats or [], outputs or [], verbose=verbose, quiet=quiet, summary=summary)
    policy = gather(
        path,
        config=config,
        untrusted=untrusted,
        baseline=baseline,
        check_advisories=False,
        lock=lock_path,
        fail_on=fail_on,
        context=context,
        packs=packs,
        jobs=jobs,
    ).policy
    if not quiet:
        progress.begin()
    report = run_verify(path, policy, names_from(files_from), quick=quick)
    output.write(report, plan, policy)
    raise typer.Exit(report.verdict.exit_code)


# --- lock, step by step -----------------------------------------------------------------------------------


def _asked(paths: Sequence[str], root: Path, *, update: bool) -> tuple[Path, list[str]]:
    """The checkout, and the paths in it that were named. Raises UsageError."""
    if not update:
        if len(paths) > 1:
            raise UsageError("one checkout at a time; --update names single files of it")
        root = Path(paths[0]) if paths else root
    elif not paths:
        raise UsageError("--update: wanted the files or folders to write anew")
    if not root.is_dir():
        raise UsageError(f"no such folder: {root}")
    return root, [_inside(path, root) for path in paths] if update else []


def _inside(path: str, root: Path) -> str:
    """A path that somebody typed, as the lock has it. Raises UsageError for one outside of the checkout."""
    top = os.path.realpath(root)
    if "\0" in path:
        raise UsageError(f"not a path: {visible(path)}")
    # Not through a link at its end: the entry is of that name.
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100
    place = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
    if place == top or os.path.realpath(place) == top:
        return "."
    if os.path.commonpath((place, top)) != top:
        raise UsageError(f"outside of the checkout {root}: {visible(path)}")
    inside = os.path.relpath(place, top).replace(os.sep, "/")
    return os.fsencode(inside).decode("utf-8", "surrogateescape")


def _before(target: Path, *, force: bool) -> "Read | None":
    from scanner import vouched

    if target.is_symlink() and not force:
        raise UsageError(f"{target} is a symbolic link: --force replaces it by a file")
    if target.is_dir():
        raise UsageError(f"{target} is a folder")
    try:
        return vouched.read(target)
    except ConfigurationError as error:
        if not force:
            raise ConfigurationError(f"{error}; --force writes over it") from error
        return None


def _must_be_unchanged(target: Path, before: "Read | None", *, force: bool) -> None:
    """Raises UsageError where somebody else has written the lock in the meantime."""
    from scanner.cli.settings import read_bounded

    if force:
        return
    now = read_bounded(target) if target.exists() else None
    if now != (before.data if before is not None else None):
        raise UsageError(f"{target} was written by somebody else in the meantime: run it again")


def _must_be_known(named: Sequence[str], found: "Sequence[Found]", before: "locks.Lock") -> None:
    paths = [*(one.path for one in found if one.sha256), *before.files]
    for name in named:
        if name != "." and not any(path == name or path.startswith(f"{name}/") for path in paths):
            raise UsageError(f"--update: nothing to lock at {visible(name)}")


def _untold(found: "Sequence[Found]", made: "locks.Lock", named: Sequence[str] | None) -> list[str]:
    told = [
        f"not locked, {visible(one.path)}: {visible(one.detail)}"
        for one in found
        if not one.sha256
        and one.wanted
        and one.detail
        and (named is None or one.path in named)
        and one.outcome != "absent"
    ]
    pointers = sum(one.pointer for one in found if one.path in made.files)
    if pointers:
        count = counted(pointers, "file is a Git LFS pointer", "files are Git LFS pointers")
        told.append(f"{count}: locked are the bytes that such a pointer names")
    loose = sorted(name for name, one in made.references.items() if not one.revision)
    if loose and named is None:
        names = ", ".join(visible(name, limit=120) for name in loose[:5]) + (", …" if len(loose) > 5 else "")
        count = counted(len(loose), "reference has", "references have")
        told.append(f"{count} no fixed revision, so any bytes will do: {names}")
    return told


def _summary(before: "Read | None", made: "locks.Lock", target: Path) -> str:
    old = before.lock.files if before is not None else {}
    new = made.files
    changed = sum(path in old and old[path].sha256 != new[path].sha256 for path in new)
    parts = [counted(len(new), "file"), counted(len(made.references), "reference")]
    if before is not None:
        added, gone = len(set(new) - set(old)), len(set(old) - set(new))
        counts = ((added, "added"), (changed, "changed"), (gone, "removed"))
        parts.append(", ".join(f"{count:,} {word}" for count, word in counts if count) or "no file changed")
    return f"{visible(str(target), limit=400)}: {'; '.join(parts)}\n"
