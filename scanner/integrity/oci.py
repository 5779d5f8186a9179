"""OCI layouts and ModelPack manifests in them; blobs that are named by their digest, there and at Ollama's.

Law: OCI image specification, "image-layout.md", "descriptor.md", "manifest.md"; CNCF ModelPack, whose
manifests are OCI manifests with layers of models.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest
from scanner.integrity import jsontext
from scanner.integrity.digests import colon, digest
from scanner.integrity.tree import Witness, placed
from scanner.model import Stated

KIND = "oci"
_RULE = "HSH-001"
_LAYOUT = re.compile(r"(?:^|(?P<root>.*)/)blobs/(?P<algorithm>sha256|sha512)$", re.DOTALL)
_FLAT = re.compile(r"sha256-(?P<value>[0-9a-f]{64})")
_HEX = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}")
_KEYS = ("manifests", "layers", "blobs")
_TITLES = ("org.cncf.model.filepath", "org.opencontainers.image.title")


def of_index(witness: Witness) -> Iterator[Stated]:
    """What the ``index.json`` of a layout says of the blobs that it names. Nothing of any other file."""
    if "oci-layout" in witness.tree.names(witness.folder):
        yield from _descriptors(jsontext.load(witness.whole("project_bytes")), witness.folder, witness)


def of_blob(witness: Witness) -> Iterator[Stated]:
    """What the name of a blob says of its bytes; and where it is a manifest, what that says of others."""
    found = _LAYOUT.fullmatch(witness.folder)
    flat = _FLAT.fullmatch(witness.name)
    if found is not None and _HEX.fullmatch(witness.name):
        root = found["root"] or ""
        named = digest(found["algorithm"], witness.name)
    elif flat is not None:
        root, named = "", digest("sha256", flat["value"])
    else:
        return
    says = "the name of the blob"
    if named is not None:
        yield Stated(witness.where.path, witness.where, KIND, named, rule=_RULE, says=says)
    if found is not None and witness.source.size <= witness.limits.metadata_bytes:
        head = witness.source.read_at(0, 64).lstrip()
        if head.startswith(b"{"):
            yield from _descriptors(jsontext.load(witness.whole("metadata_bytes")), root, witness)


def _descriptors(document: object, root: str, witness: Witness) -> Iterator[Stated]:
    """What a manifest or an index says of each blob it names, and of a file that was unpacked from one."""
    top = jsontext.mapping(document)
    listed = [row for key in _KEYS for row in jsontext.rows(top.get(key))]
    for row in [top.get("config"), top.get("subject"), *listed[: witness.limits.claims]]:
        descriptor = jsontext.mapping(row)
        known = colon(jsontext.text(descriptor.get("digest")))
        size = jsontext.count(descriptor.get("size"))
        if known is None:
            continue
        blob = placed(root, f"blobs/{known.algorithm}/{known.value}")
        if blob is not None:
            # Digest and name are one; what the manifest adds is the size, and that the blob is to be there.
            # A layout may hold only some of the platforms that its index names: only layers have to be there.
            wanted = row is not top.get("subject") and row not in jsontext.rows(top.get("manifests"))
            yield _claim(blob, witness, known, size, wanted=wanted)
        media = jsontext.text(descriptor.get("mediaType"))
        notes = jsontext.mapping(descriptor.get("annotations"))
        title = next((jsontext.text(notes.get(key)) for key in _TITLES if notes.get(key)), "")
        path = placed(root, title) if title else None
        # Of a packed layer the digest is that of the archive, not of the file in it.
        if path is not None and not media.endswith(("tar", "gzip", "zstd")) and witness.tree.real(path):
            yield _claim(path, witness, known, size, wanted=False)


def _claim(path: str, witness: Witness, known: Digest, size: int | None, *, wanted: bool) -> Stated:
    return Stated(path, witness.where, KIND, known, size, rule=_RULE, says="the manifest", wanted=wanted)
