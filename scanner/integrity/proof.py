"""Claims held against digests: what holds, what fails, what nobody can tell. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sbom.model import Location
from sbom.record import field, mutable
from scanner.files.digest import WEAK
from scanner.integrity.tree import Tree
from scanner.model import Evidence, Measurement, Proof, ProofState, Stated
from scanner.readers.tensors import BYTES, MEASURES
from scanner.text import visible

_MISSING = "HSH-012"
_WEAK_ONLY = "HSH-003"
_NAMED = 3  # files that one message names

# What was measured of each file, by path and by digest or measure.
Measured = Mapping[str, Mapping[str, str]]


@mutable
class Proven:
    """What came of all claims."""

    proofs: list[Proof] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)


def worth_keeping(claims: Iterable[Stated], tree: Tree, absent_rows: int) -> Iterator[Stated]:
    """What a file states, where only so many of the files that are not here are told one by one."""
    left = 0
    last: Stated | None = None
    for claim in claims:
        is_told = claim.wanted or claim.unchecked or claim.trouble or claim.parts
        if not is_told and tree.real(claim.path) is None:
            absent_rows -= 1
            if absent_rows < 0:
                left, last = left + 1, claim
                continue
        yield claim
    if last is not None:
        where = Location(last.where.path)
        why = f"{left:,} more files that it names are not here"
        yield Stated(where.path, where, last.kind, says=last.says, unchecked=why)


def asked(claims: Iterable[Stated], tree: Tree) -> dict[str, tuple[str, ...]]:
    """What has to be measured of which files, beside their SHA-256, by path."""
    wanted: dict[str, set[str]] = {}
    for claim in claims:
        for part in claim.parts:
            if (real := tree.real(part)) is not None:
                wanted.setdefault(real, set()).add(BYTES)
        real = tree.real(claim.path)
        if real is not None and claim.digest is not None:
            wanted.setdefault(real, set()).add(claim.digest.algorithm)
    return {path: tuple(sorted(names)) for path, names in wanted.items()}


def prove(
    claims: Sequence[Stated],
    tree: Tree,
    measured: Measured,
    lies: Callable[[str], bool],
    models: frozenset[str] = frozenset(),
) -> Proven:
    """What each claim comes to. ``lies``: whether something lies at a path that was not scanned.

    ``models`` are the paths of weights: of these it is told where only an outdated checksum protects them.
    """
    found = Proven()
    for claim in claims:
        proof = _proof(claim, tree, measured, lies)
        found.proofs.append(proof)
        if proof.state is ProofState.FAILS:
            found.evidence.append(_evidence(claim, proof, tree))
        found.measurements += _measurements(claim, proof, tree, measured)
    found.evidence += _weak(found.proofs, models)
    found.proofs.sort(key=lambda one: (one.where.order, one.kind, one.source.order, one.algorithm, one.value))
    found.measurements = sorted(set(found.measurements), key=repr)
    return found


_ABSENT = "no such file lies in the scanned tree"


def _proof(claim: Stated, tree: Tree, measured: Measured, lies: Callable[[str], bool]) -> Proof:
    state, detail = _state(claim, tree, measured, lies)
    algorithm = claim.digest.algorithm if claim.digest is not None else ""
    value = claim.digest.value if claim.digest is not None else ""
    return Proof(Location(claim.path), claim.kind, claim.where, state, algorithm, value, visible(detail))


def _state(
    claim: Stated, tree: Tree, measured: Measured, lies: Callable[[str], bool]
) -> tuple[ProofState, str]:
    broken = ProofState.FAILS if claim.rule else ProofState.STALE
    if claim.unchecked:
        return ProofState.UNCHECKED, claim.unchecked
    if claim.trouble:
        return broken, claim.trouble
    if claim.parts:
        return _sum(claim, tree, measured, broken)
    real = tree.real(claim.path)
    if real is None:
        if lies(claim.path):
            return ProofState.UNCHECKED, "it is not among what was scanned"
        return (broken if claim.wanted else ProofState.UNCHECKED), _ABSENT
    size = tree.sizes[real]
    if claim.size is not None and claim.size != size:
        return broken, f"{size:,} bytes lie here, and {claim.says} says {claim.size:,}"
    if claim.at_least is not None and size < claim.at_least:
        return broken, f"{size:,} bytes lie here, and {claim.says} needs {claim.at_least:,}"
    if claim.digest is None:
        return ProofState.HOLDS, "it is there" if claim.size is None else "its size is as stated"
    return _digest(claim, measured.get(real, {}), broken)


def _digest(claim: Stated, here: Mapping[str, str], broken: ProofState) -> tuple[ProofState, str]:
    assert claim.digest is not None  # noqa: S101  (the caller has looked)
    name, stated = claim.digest.algorithm, claim.digest.value
    value = here.get(name)
    if value is None:
        why = "its header could not be read" if name in MEASURES else "it could not be read as one file"
        return ProofState.UNCHECKED, why
    if value == stated:
        weak = f"; {name} finds accidents, not attackers" if name in WEAK else ""
        return ProofState.HOLDS, f"{name} as {claim.says} states it{weak}"
    if name in MEASURES:
        return broken, f"it holds other tensors than {claim.says} says"
    return broken, f"its {name} is {value}, and {claim.says} says {stated}"


def _sum(claim: Stated, tree: Tree, measured: Measured, broken: ProofState) -> tuple[ProofState, str]:
    sizes = [measured.get(tree.real(part) or "", {}).get(BYTES) for part in claim.parts]
    if not all(sizes):
        return ProofState.UNCHECKED, "not all of the shards could be read"
    total = sum(int(size or "0", 16) for size in sizes)
    if total == claim.size:
        return ProofState.HOLDS, "the tensors have as many bytes as it says"
    return broken, f"the tensors have {total:,} bytes, and it says {claim.size:,}"


def _evidence(claim: Stated, proof: Proof, tree: Tree) -> Evidence:
    missing = claim.wanted and tree.real(claim.path) is None
    about = visible(claim.path, limit=200)
    teller = visible(str(claim.where), limit=200)
    if missing:
        message = f"{about} is not here, and {claim.says} ({teller}) names it"
        return Evidence(_MISSING, claim.where, message, f"{claim.kind}:{claim.path}")
    message = f"{proof.detail} ({teller})"
    subject = f"{claim.kind}:{claim.where.path}"
    return Evidence(claim.rule, Location(claim.path), message, subject, claim.factors)


def _measurements(claim: Stated, proof: Proof, tree: Tree, measured: Measured) -> Iterator[Measurement]:
    """What the proof says of the origin of the bytes.

    Whoever can put a file into the tree can put a list of checksums beside it: only git's index and the
    hub's commit make bytes pinned, and that too counts only in a tree of one's own. Any that fails counts.
    """
    sha256 = measured.get(tree.real(claim.path) or "", {}).get("sha256", "")
    if not sha256 or claim.digest is None or claim.digest.algorithm in MEASURES:
        return
    said = f"{claim.says} ({visible(str(claim.where), limit=200)})"
    if proof.state is ProofState.FAILS:
        yield Measurement(sha256, "origin", "hostile", f"other bytes than {said} states")
    elif proof.state is ProofState.HOLDS and claim.anchors and claim.digest.algorithm not in WEAK:
        yield Measurement(sha256, "origin", "pinned", f"the bytes that {said} states", covered=True)


def _weak(proofs: Iterable[Proof], models: frozenset[str]) -> Iterator[Evidence]:
    """HSH-003 for weights that nothing but an outdated checksum vouches for: one a list and checksum."""
    strong: set[str] = set()
    weak: dict[tuple[str, str], dict[str, Proof]] = {}
    for proof in proofs:
        if proof.state is not ProofState.HOLDS or not proof.algorithm or proof.algorithm in MEASURES:
            continue
        if proof.algorithm in WEAK:
            weak.setdefault((proof.source.path, proof.algorithm), {})[proof.where.path] = proof
        else:
            strong.add(proof.where.path)
    for (source, algorithm), held in sorted(weak.items()):
        paths = sorted(path for path in held if path not in strong and path in models)
        if not paths:
            continue
        named = ", ".join(visible(path, limit=200) for path in paths[:_NAMED])
        more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
        name = {"git-blob": "SHA-1 (git's)", "md5-dos2unix": "MD5 (DVC's)"}.get(algorithm, algorithm.upper())
        message = f"nothing but {name} says which bytes belong in {named}{more}"
        where = held[paths[0]].source if len(paths) == 1 else Location(source)
        yield Evidence(_WEAK_ONLY, where, message, f"proof:{algorithm}")
