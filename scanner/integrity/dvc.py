"""What DVC recorded: the digests of tracked files, and of tracked folders file by file.

The reading of ``*.dvc`` and ``dvc.lock`` is the manifests'. The list of a folder's files lies in DVC's cache.
Law: DVC's documentation, "Internal files", structure of the cache directory.
"""

import posixpath
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from sbom.model import Digest, FactName
from scanner.errors import LimitReached, Malformed
from scanner.files.digest import ALGORITHMS
from scanner.integrity import jsontext
from scanner.integrity.digests import digest
from scanner.integrity.tree import Tree, placed
from scanner.limits import Limits
from scanner.model import Reading, Stated, Tracked

KIND = "dvc"
_RULE = "HSH-004"
_DIR = ".dir"

# The bytes of a file of the tree, or None where they cannot be had.
Read = Callable[[str], bytes | None]


def is_ours(path: str) -> bool:
    """Whether DVC wrote the manifest at this path."""
    name = posixpath.basename(path)
    return name.endswith(".dvc") or name == "dvc.lock"


def claims(
    readings: Mapping[str, Sequence[Reading]], tree: Tree, read: Read, limits: Limits
) -> Iterator[Stated]:
    """What every manifest of DVC says of the files and folders that it tracks."""
    for path in sorted(readings):
        for row in readings[path] if is_ours(path) else ():
            if isinstance(row, Tracked) and row.digests:
                yield from _of_row(row, tree, read, limits)


def _of_row(row: Tracked, tree: Tree, read: Read, limits: Limits) -> Iterator[Stated]:
    path = placed(posixpath.dirname(row.where.path), row.path)
    if path is None:
        return  # an address, or a place outside of the tree
    # What a stage only read may have changed since: then the stage is to be run again, and no more.
    rule = "" if row.joins else _RULE
    sizes = [fact.value for fact in row.facts if fact.name is FactName.SIZE]
    for known in row.digests:
        if known.algorithm.endswith(_DIR):
            yield from _of_folder(path, known, row, tree, read, limits)
        elif known.algorithm in ALGORITHMS:
            size = sizes[0] if sizes and isinstance(sizes[0], int) else None
            yield Stated(path, row.where, KIND, known, size, rule=rule, says="DVC")


def _of_folder(
    folder: str, known: Digest, row: Tracked, tree: Tree, read: Read, limits: Limits
) -> Iterator[Stated]:
    rule = "" if row.joins else _RULE
    algorithm = known.algorithm.removesuffix(_DIR)
    listing = next((one for one in _cached(row.where.path, algorithm, known.value) if tree.real(one)), None)
    data = read(listing) if listing is not None else None
    if listing is None or data is None:
        why = "the list of the folder's files is not in DVC's cache here"
        yield Stated(folder, row.where, KIND, says="DVC", unchecked=why)
        return
    plain = "md5" if algorithm == "md5-dos2unix" else algorithm
    yield Stated(listing, row.where, KIND, Digest(plain, known.value), rule=rule, says="DVC")
    try:
        listed = jsontext.rows(jsontext.load(data))
    except (Malformed, LimitReached) as error:
        yield Stated(folder, row.where, KIND, says="DVC", unchecked=f"the list of its files: {error}")
        return
    named: set[str] = set()
    for entry in listed[: limits.claims]:
        one = jsontext.mapping(entry)
        path = placed(folder, jsontext.text(one.get("relpath")))
        value = digest(algorithm, jsontext.text(one.get(plain)))
        if path is not None and path.startswith(f"{folder}/"):
            named.add(path)
            yield Stated(path, row.where, KIND, value, rule=rule, says="DVC")
    for path in _under(folder, tree):
        if path not in named:
            trouble = "it lies in a folder that DVC tracks and is not on DVC's list of that folder"
            yield Stated(path, row.where, KIND, rule=rule, says="DVC", trouble=trouble)


def _cached(manifest: str, algorithm: str, value: str) -> Iterator[str]:
    """Where the list of a folder may lie: in the cache of each folder above the manifest, of DVC 3 and 2."""
    name = f"{value[:2]}/{value[2:]}{_DIR}"
    folder = posixpath.dirname(manifest)
    while True:
        for inside in (f"files/{algorithm}/{name}", name):
            yield posixpath.join(folder, ".dvc/cache", inside)
        if not folder:
            return
        folder = posixpath.dirname(folder)


def _under(folder: str, tree: Tree) -> list[str]:
    paths = tree.sorted()
    first = bisect_left(paths, f"{folder}/")
    return paths[first : bisect_left(paths, f"{folder}0", first)]  # 0 follows the slash
