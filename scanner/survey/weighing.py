"""The files of a tree weighed, each byte read once: what it is, and what others state of it."""

import os
from collections.abc import Sequence
from pathlib import Path

from sbom.model import Location
from sbom.record import replace
from scanner import progress
from scanner.examine import Gathered, ended_at_once
from scanner.files.open import open_source
from scanner.files.walk import Entry
from scanner.isolate import Job, weigh_all
from scanner.model import Declaration, Excluded, Origin, OriginKind, Outcome
from scanner.policy import Policy
from scanner.registry import BY_NAME, vouching
from scanner.survey.seen import Survey, under


def weigh_and_prove(
    jobs: list[Job], links: list[tuple[str, Job]], base: Path, policy: Policy, seen: Survey, *, whole: bool
) -> None:
    """Weighs every file, with what others state of it: that is read first, so that each byte is read once."""
    repositories = _repositories(seen.excluded) if whole else []
    if not repositories and not any(map(_may_vouch, jobs)):
        weigh_files(jobs, policy, seen)
        _weigh_links(links, policy, seen)
        return
    from scanner import proving

    root = os.fspath(base)
    targets = {job.path: target for target, job in links}
    found = proving.gather(
        *(jobs, targets, repositories, seen.readings),
        *(lambda path: open_source(under(base, path)), root, policy.limits),
    )
    weigh_files(
        [*proving.asking(jobs, found.asked()), *proving.asking(found.objects, found.asked())], policy, seen
    )
    _weigh_links(links, policy, seen)
    models = frozenset(
        artifact.where.path
        for artifact in seen.artifacts
        if (row := BY_NAME.get(artifact.format)) is not None and row.model and not artifact.where.member
    )
    seen.proven = proving.prove(found, seen.digests, root, models)
    seen.notices += proving.signers(found, seen.digests, seen.proven, policy)
    seen.evidence += seen.proven.evidence
    seen.not_checked = found.not_checked


def _repositories(excluded: Sequence[Excluded]) -> list[str]:
    """The folders of the tree that hold a repository of git; empty for the root."""
    found = [row.path.removesuffix(".git").rstrip("/") for row in excluded if row.rule == "git-directory"]
    return sorted(found)


def _may_vouch(job: Job) -> bool:
    return bool(vouching(job.path)) or _is_dvc(job.path) or job.path.rpartition("/")[2] == ".git"


def _is_dvc(path: str) -> bool:
    return path.endswith((".dvc", "dvc.lock"))


def weigh_files(jobs: Sequence[Job], policy: Policy, seen: Survey) -> None:
    """Examines the files and keeps what came of it."""
    total, done = sum(job.size for job in jobs), 0
    for number, weighed in enumerate(weigh_all(jobs, policy.limits, policy.jobs), 1):
        done += weighed.size
        progress.tell("reading files", number, len(jobs), done, total)
        seen.artifacts.extend(weighed.artifacts)
        if weighed.digests:
            seen.digests[weighed.path] = {one.algorithm: one.value for one in weighed.digests}
        seen.late |= weighed.late


def _weigh_links(links: Sequence[tuple[str, Job]], policy: Policy, seen: Survey) -> None:
    """Reads what only the name of a symbolic link claims.

    A hub cache keeps ``snapshots/…/model.onnx`` as a link to a file that is called by its digest: there only
    the link says what the bytes are for.
    """
    known = {artifact.where.path for artifact in seen.artifacts}
    weigh_files([job for target, job in links if target not in known], policy, seen)


def hash_packages(seen: Survey) -> None:
    """Gives packages that lie in the tree the hash of their file, which the weighing has read once."""
    for artifact in seen.artifacts:
        path, name = artifact.where.path, artifact.where.path.rpartition("/")[2]
        if artifact.where.member or not artifact.digests or path not in seen.readings:
            continue
        seen.readings[path] = tuple(
            replace(row, hashes=artifact.digests)
            if isinstance(row, Declaration) and not row.hashes and row.origin == Origin(OriginKind.PATH, name)
            else row
            for row in seen.readings[path]
        )


def close(entry: Entry, seen: Survey) -> None:
    """Keeps the outcome of a file that cannot be opened."""
    gathered = Gathered()
    outcome = entry.outcome or Outcome.UNREADABLE
    gathered.extend(ended_at_once(Location(entry.path), entry.size, outcome, entry.detail))
    seen.artifacts.extend(gathered.artifacts())
