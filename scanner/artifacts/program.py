"""Programs: recognised, and searched for an archive that they carry.

A self-extracting archive is a program with a 7z archive behind it, which every 7z reader that looks for the
signature opens like any other; a zip behind a program is found by its end, wherever it begins.
"""

from collections.abc import Iterator

from scanner.errors import PartlyRead
from scanner.files.source import WindowSource
from scanner.model import Event, Member, Subject
from scanner.readers.sevenzip import find_signature


def inspect(subject: Subject) -> Iterator[Event]:
    """The 7z archive that the program carries, as a member. Ends in PartlyRead: code is not followed."""
    source = subject.source
    at = find_signature(source, min(source.size, subject.limits.program_bytes))
    if at > 0:
        name = f"archive at {at}"
        yield Member(name, WindowSource(source, at, source.size - at), subject.where.inside(name))
    raise PartlyRead("not read in depth")
