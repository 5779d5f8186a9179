"""Only what a change brings: ``scan --since REF`` and ``scan --staged``.

Two states of the tree are scanned, before and after, both limited to the files that differ and to those that
say something of other files (manifests, locks, code, proofs), and what was found before is taken as a
baseline. So a finding counts where the change brought it, whichever file it is shown at; a file that only
moved brings none.
"""

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sbom.record import record, replace
from scanner import git
from scanner.errors import UsageError
from scanner.files.walk import matcher
from scanner.policy import Policy
from scanner.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.model import Report
    from scanner.policy.baseline import Baseline

_LOCK: Final = "weighbridge.lock"
_CODE: Final = (".py", ".ipynb")
_SHOWN: Final = 3


@record
class Change:
    """Two states of one folder, each path's blob; ``after`` is None where it is the working tree itself."""

    repository: git.Repository
    prefix: str
    before: Mapping[str, git.Blob]
    after: Mapping[str, git.Blob] | None
    changed: frozenset[str]
    said: str
    notices: tuple[str, ...] = ()


def since(root: Path, ref: str, policy: Policy) -> "Report":
    """The report on what the working tree has that the commit at which it parted from ``ref`` had not."""
    repository, prefix = _opened(root, "--since")
    named = git.commit(repository, ref)
    here = git.head(repository)
    base = git.fork(repository, named, here)
    notices: tuple[str, ...] = ()
    if not base:
        base = named
        notices = (
            f"no common history with {visible(ref)} is in this clone: held against {visible(ref)} itself",
        )
    before = _under(git.files_of(repository, base), prefix)
    tracked = _under(git.staged(repository), prefix)
    others = [path for path in _strip(git.untracked(repository), prefix) if path not in tracked]
    changed = {
        path
        for path in (before.keys() | tracked.keys())
        if (blob := before.get(path)) is None
        or (tracked.get(path) or blob).name != blob.name
        or not git.is_unchanged(repository, prefix + path, blob, policy.limits)
    }
    change = Change(
        repository,
        prefix,
        before,
        None,
        frozenset({*changed, *others}),
        f"since {visible(ref, limit=80)}",
        notices,
    )
    present = [path for path in {*tracked, *others} if os.path.lexists(root / path)]
    return _compared(root, _to_read(present, change, policy), change, policy)


def staged(root: Path, policy: Policy) -> "Report":
    """The report on what the index has that the last commit had not; the working tree is not looked at."""
    repository, prefix = _opened(root, "--staged")
    before = _under(git.files_of(repository, git.head(repository)), prefix)
    after = _under(git.staged(repository), prefix)
    changed = frozenset(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    change = Change(repository, prefix, before, after, changed, "staged")
    with _written(change, after, root, policy) as (folder, taken):
        notices = _left_out(change, taken)
        return _compared(folder, sorted(taken.written), replace(change, notices=notices), policy)


def _opened(root: Path, option: str) -> tuple[git.Repository, str]:
    if not root.is_dir():
        raise UsageError(f"{option}: wanted a folder, found {visible(str(root))}")
    repository = git.find(os.fspath(root))
    inside = os.path.relpath(os.path.realpath(root), repository.top)
    return repository, "" if inside == "." else inside.replace(os.sep, "/") + "/"


def _compared(root: Path, names: Iterable[str], change: Change, policy: Policy) -> "Report":
    """The report on ``names`` under ``root``, with what was there before as its baseline."""
    from scanner.pipeline import scan

    earlier = _before(root, change, policy) if change.changed else policy.baseline
    notices = (*policy.notices, _summary(change), *change.notices)
    listed = sorted(names) if change.changed else []
    return scan(root, replace(policy, baseline=earlier, notices=notices), listed)


def _before(root: Path, change: Change, policy: Policy) -> "Baseline":
    """What was found in the state before, over what the user's own baseline knows."""
    from scanner.pipeline import scan
    from scanner.policy import baseline

    with _written(change, change.before, root, policy) as (folder, taken):
        # Nothing is set aside here: when a waiver ends, its finding was there before all the same.
        plain = replace(policy, baseline=None, claims=(), notices=(), live=False, verify_index=False)
        report = scan(folder, plain, sorted(taken.written))
    return baseline.earlier(report.findings, policy.today, policy.baseline)


@contextmanager
def _written(
    change: Change, rows: Mapping[str, git.Blob], root: Path, policy: Policy
) -> "Iterator[tuple[Path, git.Taken]]":
    """A folder of ours, named as the root is, with the files of one state that are to be read."""
    wanted = {path: rows[path] for path in _to_read(rows, change, policy)}
    with tempfile.TemporaryDirectory(prefix="weighbridge-") as holder:
        folder = Path(holder) / (Path(os.path.realpath(root)).name or "tree")
        folder.mkdir(mode=0o700)
        yield folder, git.write_out(change.repository, wanted, os.fspath(folder), policy.limits)


def _to_read(paths: Iterable[str], change: Change, policy: Policy) -> list[str]:
    """Those of the paths that differ or say something of others, and that the user did not exclude."""
    excluded = matcher(policy.exclude)
    chosen = sorted(path for path in paths if path in change.changed or _speaks_of_others(path))
    return [path for path in chosen if excluded is None or not excluded(path)]


def _speaks_of_others(path: str) -> bool:
    from scanner.registry import manifests_of, vouching

    return path == _LOCK or path.endswith(_CODE) or bool(manifests_of(path)) or vouching(path) is not None


def _under(rows: Mapping[str, git.Blob], prefix: str) -> dict[str, git.Blob]:
    return {path[len(prefix) :]: blob for path, blob in rows.items() if path.startswith(prefix)}


def _strip(paths: Iterable[str], prefix: str) -> list[str]:
    return [path[len(prefix) :] for path in paths if path.startswith(prefix)]


def _summary(change: Change) -> str:
    count = len(change.changed)
    if not count:
        return f"{change.said}: no file differs"
    differ = "file differs" if count == 1 else "files differ"
    return f"{change.said}: {count:,} {differ}; only what they bring counts"


def _left_out(change: Change, taken: git.Taken) -> tuple[str, ...]:
    rows = sorted((path, why) for path, why in taken.left.items() if path in change.changed)
    said = [f"not read: {visible(path, limit=200)}: {why}" for path, why in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        said.append(f"not read: {len(rows) - _SHOWN} more files of the change")
    return tuple(said)
