"""One artifact shown in full: what lies in it, and the tables that its readers can make of the bytes.

It reads the file a second time, in this process, and only after the examination of the same bytes has come
to an end under the supervisor: a file that killed its worker is not shown.
"""

from pathlib import Path

from sbom.model import Location
from sbom.record import field, mutable, record
from scanner.errors import ScanError
from scanner.examine import examine
from scanner.files.open import open_source
from scanner.limits import Limits
from scanner.model import Asked, Member, Subject, Table
from scanner.registry import Format

_MEMBERS = 10_000  # listed of one file


@record
class Piece:
    """One member of a container, whether anybody reads it or not. ``size`` in bytes, unpacked."""

    where: Location
    size: int


@record
class Shown:
    """What can be shown. ``left``: members beyond those listed; ``broken``: why there is no more."""

    members: tuple[Piece, ...] = ()
    tables: tuple[Table, ...] = ()
    left: int = 0
    broken: str = ""


def account(file: Path, limits: Limits, asked: Asked) -> Shown:
    """Members and tables of the file, in the order in which they are met."""
    eye = _Eye(asked)
    try:
        with open_source(str(file)) as source:
            for _ in examine(source, Location(file.name), file.name, limits, eye):
                pass
            source.check_unchanged()
    except ScanError as error:
        return Shown(tuple(eye.members), tuple(eye.tables), eye.left, str(error) or type(error).__name__)
    return Shown(tuple(eye.members), tuple(eye.tables), eye.left)


@mutable
class _Eye:
    asked: Asked
    members: list[Piece] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    left: int = 0

    def on_member(self, member: Member) -> None:
        if len(self.members) >= _MEMBERS:
            self.left += 1
        else:
            self.members.append(Piece(member.where, member.source.size))

    def on_subject(self, row: Format, subject: Subject) -> None:
        if row.account is None:
            return
        try:
            self.tables.extend(row.account(subject, self.asked))
        except ScanError as error:  # the examination of the same bytes tells it as an outcome
            self.tables.append(Table(f"{row.short}: not shown", subject.where, ("why",), ((str(error),),)))
