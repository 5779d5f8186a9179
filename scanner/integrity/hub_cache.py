"""What a hub's client leaves behind: the commit and the ETag of each file, and files named by their ETag.

An ETag of 64 digits is the SHA-256 of a large file, one of 40 git's name of a small one.
Law: huggingface_hub's documentation, "Understand caching" and "Download files to a local folder".
"""

import re
from collections.abc import Callable, Iterator

from sbom.model import Digest, Location
from scanner.errors import Malformed
from scanner.files.digest import GIT_BLOB
from scanner.integrity.tree import Tree, Witness, placed
from scanner.model import Stated, factors
from scanner.text import visible

KIND = "hub-cache"
_RULE = "HSH-001"
_METADATA = ".metadata"
_FOLDER = ".cache/huggingface/download"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ETAG = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_REPOSITORY = re.compile(r"(?:^|/)(models|datasets|spaces)--([^/]+)/blobs$")
# What people read and no loader does. A README counts only beside weights: that of a data set says which of
# its files are loaded. Other Markdown may be an agent's instructions.
_PROSE = re.compile(
    r"(?:licen[sc]e|copying|notice|citation|changelog|use_policy|acceptable_use_policy)(?:[.-].*)?"
    r"|\.git(?:attributes|ignore)|.+\.(?:png|jpe?g|gif|webp|svg|pdf)",
    re.IGNORECASE,
)
_README = re.compile(r"readme(?:\..*)?", re.IGNORECASE)
_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx", ".ckpt", ".h5", ".msgpack")
_REF = re.compile(r"(?P<repository>(?:.*/)?(?:models|datasets|spaces)--[^/]+)/refs/.+", re.DOTALL)
_REF_BYTES = 64  # a commit and the end of its line
_IN_SNAPSHOT = re.compile(r"((?:.*/)?(?:models|datasets|spaces)--[^/]+)/snapshots/([0-9a-f]{40})/", re.DOTALL)
_SNAPSHOT = re.compile(r"/snapshots/([0-9a-f]{40})/(.+)$")


def of_metadata(witness: Witness) -> Iterator[Stated]:
    """What one ``.metadata`` file says: the commit, the ETag and the time of a download, a line each.

    Raises Malformed where it is none.
    """
    lines = witness.whole("beside_bytes").decode("utf-8", "replace").split("\n")
    commit, etag = (line.strip().strip('"') for line in (*lines[:2], "", "")[:2])
    if _COMMIT.fullmatch(commit) is None:
        raise Malformed("hub-metadata", line=1, found=visible(commit, limit=60), wanted="a commit")
    base, _, inside = (
        witness.where.path.rpartition(f"{_FOLDER}/") if _FOLDER in witness.where.path else ("",) * 3
    )
    path = placed(base.rstrip("/"), inside.removesuffix(_METADATA))
    if path is None:
        return
    where = witness.where.at(line=2)
    yield _claim(
        path, etag, commit, witness.where if not etag else where, _read_by_people(path, witness.tree)
    )


def of_blob(witness: Witness) -> Iterator[Stated]:
    """What the name of a file in ``blobs`` says of its bytes, and the snapshots that stand for it."""
    if _REPOSITORY.search(witness.folder) is None or _ETAG.fullmatch(witness.name) is None:
        return
    commit = ""
    names: list[str] = []
    for link in witness.tree.links_to(witness.where.path):
        found = _SNAPSHOT.search(link)
        if found is not None:
            commit = commit or found[1]
            names.append(link)
    # Whatever else stands for the blob may be loaded.
    prose = bool(names) and all(_read_by_people(name, witness.tree) for name in names)
    yield _claim(witness.where.path, witness.name, commit, witness.where, prose)


def of_refs(tree: Tree, read: Callable[[str], bytes | None]) -> Iterator[Stated]:
    """What the branches and tags of the caches say of their snapshots, where one of them stands alone.

    That a snapshot is named by none is ordinary: it was asked for by its commit, or the branch moved on.
    ``read`` gives the bytes of a small file, or None.
    """
    snapshots: dict[tuple[str, str], str] = {}
    for path in sorted({*tree.sizes, *tree.links}):
        found = _IN_SNAPSHOT.match(path)
        if found is not None:
            snapshots.setdefault((found[1], found[2]), path)
    named: set[tuple[str, str]] = set()
    cached: set[str] = set()
    for path in tree.sorted():
        found = _REF.fullmatch(path) if tree.sizes[path] <= _REF_BYTES else None
        data = read(path) if found is not None else None
        if found is None or data is None:
            continue
        cached.add(found["repository"])
        commit = data.decode("utf-8", "replace").strip()
        where = Location(path, line=1)
        if _COMMIT.fullmatch(commit) is None:
            said = f"it names no commit: {visible(commit, limit=60)}"
            yield Stated(path, where, KIND, says="the hub's cache", unchecked=said)
            continue
        named.add((found["repository"], commit))
        if (found["repository"], commit) not in snapshots:
            said = f"no file of commit {commit[:12]}, which it names, is in this cache"
            yield Stated(path, where, KIND, says="the hub's cache", unchecked=said)
    for (repository, commit), path in snapshots.items():
        if repository in cached and (repository, commit) not in named:
            said = f"no branch or tag of this cache names commit {commit[:12]}: it was asked for by its name"
            said += ", or one of them has moved on since"
            yield Stated(path, Location(path), KIND, says="the hub's cache", unchecked=said)


def _read_by_people(path: str, tree: Tree) -> bool:
    """Whether a file is text or a picture for people alone: of no use to whoever wants code to run."""
    folder, _, name = path.rpartition("/")
    if _README.fullmatch(name):
        return any(other.lower().endswith(_WEIGHTS) for other in tree.names(folder))
    return _PROSE.fullmatch(name) is not None


def _claim(
    path: str,
    etag: str,
    commit: str,
    where: Location,
    prose: bool = False,  # noqa: FBT001, FBT002  (what was measured of the path)
) -> Stated:
    says = f"the hub, at commit {commit[:12]}" if commit else "the hub's cache"
    if _ETAG.fullmatch(etag) is None:
        return Stated(path, where, KIND, says=says, unchecked="the server gave no digest of it")
    digest = Digest("sha256" if len(etag) == 64 else GIT_BLOB, etag)
    measured = factors(ref="no loader reads it", effect="hygiene", trigger="on_use") if prose else ()
    return Stated(path, where, KIND, digest, rule=_RULE, says=says, anchors=bool(commit), factors=measured)
