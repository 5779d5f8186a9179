"""What a hub's client leaves behind: the commit and the ETag of each file, and files named by their ETag.

An ETag of 64 digits is the SHA-256 of a large file, one of 40 git's name of a small one.
Law: huggingface_hub's documentation, "Understand caching" and "Download files to a local folder".
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from scanner.errors import Malformed
from scanner.files.digest import GIT_BLOB
from scanner.integrity.tree import Witness, placed
from scanner.model import Stated
from scanner.text import visible

KIND = "hub-cache"
_RULE = "HSH-001"
_METADATA = ".metadata"
_FOLDER = ".cache/huggingface/download"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ETAG = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_REPOSITORY = re.compile(r"(?:^|/)(models|datasets|spaces)--([^/]+)/blobs$")
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
    yield _claim(path, etag, commit, witness.where if not etag else where)


def of_blob(witness: Witness) -> Iterator[Stated]:
    """What the name of a file in ``blobs`` says of its bytes, and the snapshots that stand for it."""
    if _REPOSITORY.search(witness.folder) is None or _ETAG.fullmatch(witness.name) is None:
        return
    commit = ""
    for link in witness.tree.links_to(witness.where.path):
        found = _SNAPSHOT.search(link)
        if found is not None:
            commit = found[1]
            break
    yield _claim(witness.where.path, witness.name, commit, witness.where)


def _claim(path: str, etag: str, commit: str, where: Location) -> Stated:
    says = f"the hub, at commit {commit[:12]}" if commit else "the hub's cache"
    if _ETAG.fullmatch(etag) is None:
        return Stated(path, where, KIND, says=says, unchecked="the server gave no digest of it")
    digest = Digest("sha256" if len(etag) == 64 else GIT_BLOB, etag)
    return Stated(path, where, KIND, digest, rule=_RULE, says=says, anchors=bool(commit))
