"""Requirements that a Python script carries in a comment.

Law: the Python Packaging User Guide's "Inline script metadata" (PEP 723): ``# /// script`` up to the last
``# ///`` of the same comment, TOML in between.
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import toml
from scanner.manifests.project import ProjectFile, require
from scanner.manifests.pyproject import uv_indexes, uv_sources
from scanner.model import Reading
from scanner.readers import decoding

_LIMITS = Limits()
_MARK = b"# /// script"
_BEGIN, _END = "# /// script", "# ///"


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What the script block of a Python file declares; nothing where there is no such block.

    Raises Malformed where the block is no TOML, LimitReached past the bytes or the nesting of one manifest.
    """
    if _MARK not in data:
        return
    text, _ = decoding.decode(data, cookie=True)
    lines = text.replace("\r\n", "\n").split("\n")
    blocks = list(_blocks(lines))
    if not blocks:
        return
    begin, end = blocks[0]
    # Blank lines stand for all that is not the block: what is found stands at the line of the file.
    block = "\n".join(["", *[""] * begin, *(line[2:] for line in lines[begin + 1 : end])])
    if len(block) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(block))
    document, located, _ = toml.load(block.encode("utf-8", "replace"))
    file = ProjectFile(where, document, toml.lines_of(located))
    for later, _ in blocks[1:]:
        file.bad((f"line {later + 1}",), "a second script block, for which runners refuse the file")
    for step in (uv_indexes, uv_sources, _dependencies):
        step(file)
        yield from file.rows
        file.rows.clear()


def _blocks(lines: list[str]) -> Iterator[tuple[int, int]]:
    """The first and last line of each block, counted from 0."""
    begin, end = -1, -1
    for number, line in enumerate([*lines, ""]):
        if begin < 0:
            begin = number if line == _BEGIN else -1
        elif line == _END:
            end = number
        elif line != "#" and not line.startswith("# "):
            # Only what is one unbroken comment counts; a block that is never closed is none.
            if end > begin + 1:
                yield begin, end
            begin, end = -1, -1


def _dependencies(file: ProjectFile) -> None:
    for path, text in file.texts(("dependencies",)):
        require(file, path, text, "")
