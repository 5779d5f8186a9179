"""The steps of an examination, told one by one, so that what was found before a failure is never lost."""

from sbom.model import Fact, Location
from sbom.record import record
from scanner.model import Evidence, Outcome


@record
class Opened:
    """A file or member that somebody claims; steps between this and the next belong to its inspections."""

    where: Location
    format: str
    size: int
    digest: str = ""


@record
class Begun:
    """An inspector starts on the artifact at ``where``."""

    where: Location
    inspector: str


@record
class Found:
    """One thing an inspector met."""

    where: Location
    inspector: str
    item: Evidence | Fact


@record
class Ended:
    """An inspector is done with the artifact at ``where``."""

    where: Location
    inspector: str
    outcome: Outcome
    detail: str = ""


@record
class Unclaimed:
    """A member of the artifact at ``where`` that nobody reads."""

    where: Location


Step = Opened | Begun | Found | Ended | Unclaimed
