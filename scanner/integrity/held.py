"""What lies in a tree, held against its lock: what changed, is missing, is new or has moved. Pure."""

import posixpath
import shlex
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbom.model import Component, Location
from sbom.record import field, mutable, record
from scanner.integrity.lock import NAME, Entry, Kind, Lock, Reference
from scanner.model import Evidence, Measurement, NotChecked, Outcome, factors
from scanner.text import counted, visible

INSPECTOR = "lock"
UNLOCKED = "unlocked"  # nothing in the lock to compare with


@record
class Found:
    """One file as it lies there. ``sha256`` is empty where its bytes could not be had; ``detail`` says why.

    ``pointer``: only a Git LFS pointer is here, and digest and size are those that it names. ``wanted``:
    a lock of the tree would hold it; of other files only the lock's own word made somebody look.
    """

    path: str
    sha256: str = ""
    size: int = 0
    kind: Kind = "model"
    format: str = ""
    source: str = ""
    revision: str = ""
    pointer: bool = False
    wanted: bool = True
    outcome: Outcome = Outcome.INSPECTED
    detail: str = ""

    def entry(self) -> Entry:
        """The line of a lock that holds it as it is."""
        return Entry(self.sha256, self.size, self.kind, self.format, self.source, self.revision)


@mutable
class Held:
    """What the comparison says: evidence, what could not be compared, and which bytes a lock vouches for.

    ``same``, ``changed``, ``missing``, ``new`` and ``moved`` count files.
    """

    evidence: list[Evidence] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    same: int = 0
    changed: int = 0
    missing: int = 0
    new: int = 0
    moved: int = 0

    def said(self) -> str:
        """The counts in words."""
        counts = (
            (self.same, "as locked"),
            (self.changed, "changed"),
            (self.missing, "missing"),
            (self.new, "not in the lock"),
            (self.moved, "moved or copied"),
        )
        return ", ".join(f"{count:,} {word}" for count, word in counts if count) or "no file to compare"


def compare(lock: Lock, found: Sequence[Found], lock_name: str = NAME) -> Held:
    """The files that were ``found`` against the files of ``lock``, which are to be in it, found or not.

    A file of the lock that nobody found stands in ``found`` with the outcome *absent*.
    """
    held = Held()
    by_path = {one.path: one for one in found}
    places: dict[str, list[str]] = {}
    for path, entry in lock.files.items():
        places.setdefault(entry.sha256, []).append(path)
    gone = {path for path in lock.files if path in by_path and _is_gone(by_path[path])}
    strange = [one for one in found if one.path not in lock.files and one.wanted]
    aliases = _aliases(gone, strange)
    for one in sorted(found, key=lambda one: one.path):
        if one.path in gone:
            continue
        alias = aliases.get(one.path, "")
        locked = lock.files.get(alias or one.path)
        if locked is not None:
            _known(one, locked, places, held, lock_name, alias)
        elif one.wanted:
            _stranger(one, places, gone, held, lock_name)
    came = {one.sha256 for one in strange if one.sha256}
    for path in sorted(gone - set(aliases.values())):
        if lock.files[path].sha256 not in came:
            held.missing += 1
            said = f"{lock_name} has it"
            held.not_checked.append(NotChecked(Location(path), INSPECTOR, "missing", said))
    return held


def _is_gone(one: Found) -> bool:
    return one.outcome is Outcome.ABSENT and not one.pointer


def _aliases(gone: Iterable[str], strange: Sequence[Found]) -> dict[str, str]:
    """Files that are here under a name which some file systems take for a locked one: path -> locked path.

    Macs write a letter and its accent apart, and tell no capitals from small letters.
    """
    locked: dict[str, list[str]] = {}
    for path in gone:
        locked.setdefault(_folded(path), []).append(path)
    here: dict[str, list[str]] = {}
    for one in strange:
        here.setdefault(_folded(one.path), []).append(one.path)
    return {
        paths[0]: locked[name][0]
        for name, paths in here.items()
        if len(paths) == 1 and len(locked.get(name, ())) == 1
    }


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


# --- one file ---------------------------------------------------------------------------------------------


def _known(
    one: Found,
    entry: Entry,
    places: Mapping[str, Sequence[str]],
    held: Held,
    lock_name: str,
    alias: str = "",
) -> None:
    if not one.sha256:
        held.not_checked.append(NotChecked(Location(one.path), INSPECTOR, one.outcome, one.detail))
        return
    if one.sha256 != entry.sha256:
        held.changed += 1
        held.evidence.append(_changed(one, entry, places, lock_name))
        return
    held.same += 1
    if one.pointer:
        said = (
            f"a Git LFS pointer to the very bytes that {lock_name} has; they are not here to be read: "
            "git lfs pull fetches them, then verify again"
        )
        held.not_checked.append(NotChecked(Location(one.path), INSPECTOR, Outcome.ABSENT, said))
        return
    held.measurements.append(_pinned(one, lock_name))
    if alias:
        held.notices.append(f"{visible(one.path)} is written {alias!a} in {lock_name}: the same bytes")


def _pinned(one: Found, lock_name: str) -> Measurement:
    return Measurement(one.sha256, "origin", "pinned", f"{lock_name} has this SHA-256", covered=True)


def _changed(one: Found, entry: Entry, places: Mapping[str, Sequence[str]], lock_name: str) -> Evidence:
    sizes = f"{entry.size:,} bytes" if entry.size == one.size else f"{entry.size:,} bytes, now {one.size:,}"
    by = "the Git LFS pointer here names" if one.pointer else "these bytes have"
    message = f"{lock_name} has SHA-256 {entry.sha256[:16]}… ({sizes}), {by} {one.sha256[:16]}…"
    others = [path for path in places.get(one.sha256, ()) if path != one.path]
    if others:
        message += f"; they are those of {visible(others[0], limit=200)}"
    if entry.source:
        at = f" at {visible(entry.revision, limit=80)}" if entry.revision else ""
        message += f"; locked from {visible(entry.source, limit=200)}{at}"
    return Evidence(
        _rule(entry),
        Location(one.path),
        message,
        f"lock:{one.path}",
        factors(ref=lock_name, origin="hostile") if _rule(entry) != "HSH-009" else (),
        remedy=_remedy(one.path, entry),
    )


def _rule(entry: Entry) -> str:
    if entry.kind == "data":
        return "DAT-003"
    if entry.is_fixed:
        return "HSH-001"
    return "HSH-009" if entry.source else "HSH-010"


def _remedy(path: str, entry: Entry) -> str:
    command = f"weighbridge lock --update {shlex.quote(visible(path, limit=400))}"
    if entry.is_fixed:
        return (
            f"Stop and do not use the file. Fetch it again from {visible(entry.source, limit=200)} at the "
            f"locked revision and compare. Only when you know why it changed: {command}"
        )
    return f"Find what wrote the file. If the change is meant: {command}; else restore the locked bytes."


def _stranger(
    one: Found,
    places: Mapping[str, Sequence[str]],
    gone: set[str],
    held: Held,
    lock_name: str,
) -> None:
    """A file that the lock does not have: new, or bytes that it has elsewhere."""
    where = Location(one.path)
    known = sorted(places.get(one.sha256, ())) if one.sha256 else []
    if not known:
        held.new += 1
        if not one.sha256 and not one.pointer:
            held.not_checked.append(NotChecked(where, INSPECTOR, one.outcome, one.detail))
            return
        command = f"weighbridge lock --update {shlex.quote(visible(one.path, limit=400))}"
        message = f"{lock_name} does not have this file: nobody has vouched for these bytes"
        remedy = f"Look at where it comes from; then {command}"
        held.evidence.append(Evidence("HSH-009", where, message, f"lock:{one.path}", remedy=remedy))
        held.not_checked.append(NotChecked(where, INSPECTOR, UNLOCKED, f"it does not stand in {lock_name}"))
        return
    held.moved += 1
    left = [path for path in known if path in gone]
    source = (left or known)[0]
    verb = "moved here from" if left else "are a copy of"
    message = f"the bytes {verb} {visible(source, limit=200)}, where {lock_name} has them"
    if posixpath.basename(source) == posixpath.basename(one.path) and left:
        message += "; only the folder changed"
    command = f"weighbridge lock --update {shlex.quote(visible(one.path, limit=300))}"
    if left:
        command += f" {shlex.quote(visible(source, limit=300))}"
    measured = factors(ref=f"{lock_name} has this SHA-256", origin="pinned", trigger="on_use")
    held.evidence.append(
        Evidence(
            "HSH-009", where, message, f"lock:{one.path}", measured, remedy=f"If that is meant: {command}"
        )
    )
    if not one.pointer:
        held.measurements.append(_pinned(one, lock_name))


# --- references -------------------------------------------------------------------------------------------


def references(
    components: Iterable[Component], commits: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, tuple[Reference, Component]]:
    """The models and data sets of a hub that the tree asks for, by package URL.

    ``commits`` has the commit that a hub's cache in the tree keeps for each branch or tag, by package URL
    without a revision: what is asked for at a branch is then locked at that commit.
    """
    found: dict[str, tuple[Reference, Component]] = {}
    for one in components:
        if one.ecosystem == "huggingface" and one.purl and one.kind.value in _REFERRED:
            kind: Kind = "data" if one.kind.value == "data" else "model"
            asked = "" if one.version else one.specifier
            cached = (commits or {}).get(_base(one.purl), {})
            commit = one.version or cached.get(asked or BRANCH, "")
            if commit and not one.version:
                asked = asked or BRANCH
            found.setdefault(one.purl, (Reference(kind, commit, asked), one))
    return found


BRANCH = "main"  # what the hub gives out where nobody says more
_REFERRED = frozenset({"machine-learning-model", "data"})


def compare_references(
    lock: Lock,
    here: Mapping[str, tuple[Reference, Component]],
    held: Held,
    *,
    whole: bool,
    lock_name: str = NAME,
) -> None:
    """Adds what the tree asks a hub for (``here``) and the lock does not know, or knows at another commit.

    ``whole``: it is all that the tree asks for, and what none of it is about is told.
    """
    for name, (one, component) in sorted(here.items()):
        if name in lock.references:
            held.evidence += _moved_on(name, one, lock.references[name], component, lock_name)
            continue
        where = component.seen[0] if component.seen else Location(NAME)
        before = [known for known in lock.references if _base(known) == _base(name)]
        asked = component.version or component.specifier or "no fixed revision"
        said = f"{visible(component.name, limit=200)} is asked for at {visible(asked, limit=80)}"
        if before:
            locked = ", ".join(lock.references[known].revision or "none" for known in sorted(before))
            message = f"{said}; {lock_name} has it at {visible(locked, limit=200)}"
        else:
            message = f"{said}, and {lock_name} does not have it"
        held.evidence.append(
            Evidence("HSH-009", where, message, f"lock:{name}", remedy=_RELOCK, component=component.ref)
        )
        held.not_checked.append(NotChecked(where, INSPECTOR, UNLOCKED, message))
    held.notices.extend(_unpinned(lock, set(here)))
    if whole:
        held.notices.extend(
            f"{lock_name} has {visible(name, limit=200)}, which nothing asks for any more"
            for name in sorted(set(lock.references) - set(here))
            if _base(name) not in {_base(known) for known in here}
        )


def _moved_on(
    name: str, one: Reference, locked: Reference, component: Component, lock_name: str
) -> Iterator[Evidence]:
    """HSH-009 where the cache here has a branch at another commit than the lock."""
    if not one.revision or not locked.revision or one.revision == locked.revision:
        return
    where = component.seen[0] if component.seen else Location(NAME)
    message = (
        f"{visible(component.name, limit=200)} at {visible(one.asked or BRANCH, limit=80)} is commit "
        f"{visible(one.revision, limit=40)} in the hub's cache here; {lock_name} has it at "
        f"{visible(locked.revision, limit=40)}"
    )
    yield Evidence("HSH-009", where, message, f"lock:{name}", remedy=_RELOCK, component=component.ref)


_RELOCK = "Look at what changed, then write the lock anew: weighbridge lock"


def _unpinned(lock: Lock, here: set[str]) -> Iterator[str]:
    loose = [name for name, one in sorted(lock.references.items()) if not one.revision and name in here]
    if loose:
        names = ", ".join(visible(name, limit=100) for name in loose[:3]) + (", …" if len(loose) > 3 else "")
        count = counted(len(loose), "reference is", "references are")
        yield f"{count} locked without a revision, so any bytes will do: {names}"


def _base(purl: str) -> str:
    head, _, rest = purl.partition("?")
    return head.partition("@")[0] + ("?" + rest if rest else "")
