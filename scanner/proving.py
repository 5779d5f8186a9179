"""Every file of a tree that vouches for others, read: what they state, and what has to be measured.

The reading is that of the table (``scanner.registry.proofs``); here the files are opened.
"""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from sbom.model import Location
from sbom.record import field, mutable, record, replace
from scanner.errors import Changed, LimitReached, Malformed, ScanError, Unreadable
from scanner.files.lfs import POINTER_BYTES, pointer
from scanner.files.open import FileSource
from scanner.files.source import BytesSource
from scanner.integrity import dvc, hub_cache, lfs, proof
from scanner.integrity.tree import Tree, Witness
from scanner.isolate import Job
from scanner.limits import KIB, Limits
from scanner.model import NotChecked, Outcome, Proof, ProofState, Reading, Source, Stated
from scanner.readers import git_index
from scanner.readers.git_objects import Objects
from scanner.registry import Vouching, vouching
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.integrity.signatures import Signed
    from scanner.policy import Policy

_GIT_FILE = 4 * KIB  # where a worktree's or submodule's repository lies
# The opened file under a path from the root; raises Unreadable.
Open = Callable[[str], FileSource]


@mutable
class Vouched:
    """What files of the tree state of others. ``unread``: files that should tell something and do not.

    ``objects`` are files that a walk leaves out and that have to be hashed all the same, ``pointers`` the
    files that stand for one. ``signed``: the documents that somebody signed.
    """

    tree: Tree
    stated: list[Stated] = field(default_factory=list)
    unread: list[Proof] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    objects: list[Job] = field(default_factory=list)
    pointers: dict[str, Job] = field(default_factory=dict)
    signed: "list[Signed]" = field(default_factory=list)

    def asked(self) -> dict[str, tuple[str, ...]]:
        """What has to be measured of which files, by path."""
        return proof.asked(self.stated, self.tree)


def gather(
    jobs: Sequence[Job],
    links: Mapping[str, str],
    repositories: Sequence[str],
    readings: Mapping[str, Sequence[Reading]],
    open_: Open,
    root: str,
    limits: Limits,
) -> Vouched:
    """What the files of the tree state of each other.

    ``links`` has the targets of symbolic links, ``repositories`` the folders that hold a ``.git`` (empty for
    the root), ``readings`` what the manifests say.
    """
    tree = Tree({job.path: job.size for job in jobs}, links)
    found = Vouched(tree)
    places = _places(repositories, jobs, found, open_, root)
    found.pointers = dict(_fetched(places, jobs, open_, root))
    found.objects += {job.path: job for job in found.pointers.values()}.values()
    if found.objects:
        sizes = {job.path: job.size for job in (*jobs, *found.objects)}
        found.tree = tree = Tree(sizes, links)
    documents = [(job.path, row) for job in jobs for row in vouching(job.path)]
    for path, row in documents[: limits.claim_documents]:
        _read(path, row, found, open_, limits)
    if len(documents) > limits.claim_documents:
        error = LimitReached("claim_documents", allowed=limits.claim_documents, found=len(documents))
        _unread(documents[limits.claim_documents][0], "proofs", error, found)
    if any(dvc.is_ours(path) for path in readings):
        listed = dvc.claims(readings, tree, lambda path: _bytes(path, open_, limits.lock_bytes), limits)
        found.stated += proof.worth_keeping(listed, tree, limits.absent_rows)
    refs = hub_cache.of_refs(tree, lambda path: _bytes(path, open_, limits.beside_bytes))
    found.stated += refs
    for one in places:
        _read_index(one, found, open_, root, limits)
    return found


def _read(path: str, row: Vouching, found: Vouched, open_: Open, limits: Limits) -> None:
    try:
        with open_(path) as source:
            witness = Witness(Location(path), source, found.tree, limits)
            found.stated += proof.worth_keeping(row.read(witness), found.tree, limits.absent_rows)
            if row.signs:
                from scanner.integrity import signatures

                found.signed += signatures.signed(witness)
    except ScanError as error:
        _unread(path, row.name, error, found, title=row.title)


def _unread(path: str, kind: str, error: ScanError, found: Vouched, title: str = "proof") -> None:
    where = Location(path)
    said = visible(str(error))
    detail = f"this {title} could not be read: {said}"
    found.unread.append(Proof(where, kind, where, ProofState.UNCHECKED, detail=detail))
    if isinstance(error, LimitReached):
        found.not_checked.append(NotChecked(where, kind, Outcome.LIMITED, said))


def _bytes(path: str, open_: Open, limit: int) -> bytes | None:
    try:
        with open_(path) as source:
            return source.read_at(0, source.size) if source.size <= limit else None
    except (Unreadable, Changed):
        return None  # whoever asked says that it could not be had


# --- git and git LFS ---------------------------------------------------------------------------------------


@record
class Place:
    """One working tree of git: the folder it begins in, and the folders of its index and of its objects."""

    base: str
    git: str
    store: str


def is_git_file(path: str) -> bool:
    """Whether a file stands where a repository would be: in a worktree or a submodule."""
    return path.rpartition("/")[2] == ".git"


def _places(
    repositories: Sequence[str], jobs: Iterable[Job], found: Vouched, open_: Open, root: str
) -> list[Place]:
    """The repositories of the tree, and the worktrees and submodules whose ``.git`` is a file that tells one.

    Whoever writes such a file may name any folder: it is followed into ``worktrees`` and ``modules`` of a
    repository that the walk met, and nowhere else.
    """
    own = [posixpath.join(base, ".git") for base in repositories]
    places = [Place(base, git, git) for base, git in zip(repositories, own, strict=True)]
    for job in jobs:
        if not is_git_file(job.path):
            continue
        data = _bytes(job.path, open_, _GIT_FILE) or b""
        base = posixpath.dirname(job.path)
        git = _named_by(data.removeprefix(b"gitdir:"), base, root) if data.startswith(b"gitdir:") else ""
        home = next((one for one in own if git.startswith((f"{one}/modules/", f"{one}/worktrees/"))), "")
        store = git
        if home and git.startswith(f"{home}/worktrees/"):
            told = _bytes(f"{git}/commondir", open_, _GIT_FILE) or b""
            store = _named_by(told, git, root)
            home = home if store == home else ""
        if home:
            places.append(Place(base, git, store))
            continue
        why = (
            "its repository lies outside of the scanned tree, so what git recorded of its files is not known"
        )
        where = Location(job.path)
        found.unread.append(Proof(where, lfs.KIND, where, ProofState.UNCHECKED, detail=why))
    return places


def _named_by(data: bytes, folder: str, root: str) -> str:
    """The folder that a file of git names, from the root; empty where that leads out."""
    text = data.decode("utf-8", "surrogateescape").strip()
    if text.startswith("/"):
        real = os.path.realpath(root)
        if not text.startswith(f"{real}/"):
            return ""
        text, folder = text[len(real) + 1 :], ""
    path = posixpath.normpath(posixpath.join(folder, text)) if text and "\0" not in text else ".."
    return "" if path.startswith(("..", "/")) else path


def _fetched(
    places: Sequence[Place], jobs: Iterable[Job], open_: Open, root: str
) -> Iterator[tuple[str, Job]]:
    """The objects of Git LFS that were fetched, each with the path of the pointer that stands for it."""
    inner = sorted(places, key=lambda one: len(one.base), reverse=True)
    for job in jobs if inner else ():
        if not lfs.may_be_pointer(job.size):
            continue
        data = _bytes(job.path, open_, POINTER_BYTES)
        pointed = pointer(data) if data is not None else None
        at = next((one for one in inner if not one.base or job.path.startswith(f"{one.base}/")), None)
        if pointed is None or at is None:
            continue
        path = lfs.object_path(at.store, pointed.sha256)
        with suppress(Unreadable), open_(path) as source:
            yield job.path, Job(path, os.path.join(root, path), source.size, only_hashed=True)  # noqa: PTH118


def _read_index(at: Place, found: Vouched, open_: Open, root: str, limits: Limits) -> None:
    path = f"{at.git}/index"
    try:
        with open_(path) as source:
            witness = Witness(Location(path), source, found.tree, limits)
            files = list(git_index.parse(witness.whole("git_index_bytes")))
    except Unreadable:
        return  # a repository without a commit has none
    except (Malformed, LimitReached, Changed) as error:
        _unread(path, lfs.KIND, error, found, title="index of git")
        return
    attributes = _attributes(at.base, found.tree, open_, limits)
    opened: list[FileSource] = []

    def object_file(name: str) -> Source | None:
        try:
            source = open_(f"{at.store}/objects/{name}")
        except Unreadable:
            return None
        if name.startswith("pack/"):
            opened.append(source)  # asked again and again
            return source
        with source:
            return BytesSource(source.read_at(0, min(source.size, limits.git_object_bytes)))

    try:
        objects = Objects(object_file, _packs(os.path.join(root, at.store)), limits.git_object_bytes)  # noqa: PTH118
        repository = lfs.Repository(
            at.base,
            at.store,
            Location(path),
            objects.blob,
            lambda name: _bytes(name, open_, POINTER_BYTES),
            attributes.keeps,
            frozenset(found.pointers),
        )
        found.stated += lfs.claims(files, repository, found.tree)
    finally:
        for source in opened:
            source.close()


def _packs(store: str) -> list[str]:
    try:
        names = os.listdir(os.path.join(store, "objects/pack"))  # noqa: PTH118, PTH208
    except OSError:
        return []  # nothing is packed yet
    return [f"pack/{name}" for name in sorted(names) if name.endswith(".idx")]


def _attributes(base: str, tree: Tree, open_: Open, limits: Limits) -> lfs.Attributes:
    found = lfs.Attributes()
    prefix = f"{base}/" if base else ""
    paths = [path for path in tree.sorted() if path.startswith(prefix) and path.endswith(".gitattributes")]
    for path in sorted(paths, key=lambda one: (one.count("/"), one)):
        folder, _, name = path[len(prefix) :].rpartition("/")
        data = _bytes(path, open_, limits.metadata_bytes) if name == ".gitattributes" else None
        if data is not None:
            found.add(folder, data.decode("utf-8", "surrogateescape"))
    return found


# --- what comes of it --------------------------------------------------------------------------------------


def prove(found: Vouched, measured: proof.Measured, root: str, models: frozenset[str]) -> proof.Proven:
    """What was stated, held against what was measured."""

    def lies(path: str) -> bool:
        return os.path.lexists(os.path.join(root, path))  # noqa: PTH118  (names that do not decode)

    proven = proof.prove(found.stated, found.tree, measured, lies, models)
    proven.proofs += found.unread
    return proven


def signers(
    found: Vouched, measured: proof.Measured, proven: proof.Proven, policy: "Policy"
) -> tuple[str, ...]:
    """Adds to ``proven`` what the signatures come to, and gives what is to be told of them."""
    if not found.signed:
        return ()
    from scanner.integrity import signatures

    trust = signatures.Trust(policy.identities, policy.trusted_root, policy.prefix)
    told, broken = signatures.verify(
        found.signed, found.stated, found.tree, measured, proven, trust, policy.limits
    )
    proven.proofs += told.proofs
    proven.evidence += told.evidence
    proven.measurements += told.measurements
    return (f"{signatures.counted(found.signed)}: {broken}",) if broken else ()


def asking(jobs: Sequence[Job], asked: Mapping[str, tuple[str, ...]]) -> list[Job]:
    """The jobs, each with what has to be measured of its file."""
    return [
        replace(job, asked=tuple(dict.fromkeys((*job.asked, *asked[job.path])))) if job.path in asked else job
        for job in jobs
    ]
