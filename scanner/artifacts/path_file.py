"""Python path files (``.pth`` of site-packages), which share their suffix with PyTorch checkpoints.

Law: Python's documentation, module ``site``: a line that begins with ``import`` and a blank is executed at
each start of the interpreter; any other adds a folder to the path.
"""

from collections.abc import Iterator

from scanner.artifacts import startup
from scanner.errors import LimitReached, Malformed
from scanner.limits import KIB, MIB
from scanner.model import Event, Evidence, Subject
from scanner.text import visible

_LONGEST = 1 * MIB


def inspect(subject: Subject) -> Iterator[Event]:
    """DEP-024 for each line that runs code. Raises Malformed for what is no text, and so no path file.

    Not for the lines that well-known tools write. Of one that only runs a tool's module the subject is
    ``start-up:NAME``: whoever sees the folder knows whether that module is the tool's.
    """
    source, wanted = subject.source, "a checkpoint, or the lines of a path file"
    if b"\0" in source.read_at(0, 4 * KIB):
        raise Malformed("text", offset=0, found="binary data", wanted=wanted)
    if source.size > _LONGEST:
        raise LimitReached("path_file", allowed=_LONGEST, found=source.size)
    try:
        text = source.read_at(0, source.size).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("text", offset=error.start, found="binary data", wanted=wanted) from error
    if not text.strip() or "\0" in text:
        raise Malformed("text", offset=0, found="nothing to read", wanted=wanted)
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("import ", "import\t")):
            if startup.is_known_line(line):
                continue
            module = startup.module_run(line)
            doing, measured = startup.what_it_does(line)
            shown = visible(line, limit=200)
            message = f"in site-packages this line runs at each start of Python: {shown}; {doing}"
            about = f"start-up:{module}" if module else f"path-file:{number}"
            yield Evidence(startup.RULE, subject.where.at(line=number), message, about, factors=measured)
