"""The errors of the scanner: one root, fields instead of prose."""


class ScanError(Exception):
    """The root. Whatever is not one of these is a defect of ours."""


class UsageError(ScanError):
    """The caller asked for something that cannot be done: exit code 2."""


class Malformed(ScanError):
    """Bytes that break a law of their format.

    ``law`` is the short name of the law (``header-length``), ``offset`` the byte at which it broke
    where there is one, ``line`` the 1-based line of a text, ``found`` and ``wanted`` say what stood
    there and what the format asks for.
    """

    def __init__(
        self,
        law: str,
        *,
        offset: int | None = None,
        line: int | None = None,
        found: object = "",
        wanted: str = "",
    ) -> None:
        super().__init__(law, offset, line, found, wanted)
        self.law = law
        self.offset = offset
        self.line = line
        self.found = found
        self.wanted = wanted

    def __str__(self) -> str:
        line = f" at line {self.line}" if self.line else ""
        place = f" at byte {self.offset}" if self.offset is not None else line
        found = f": found {self.found}" if self.found != "" else ""
        wanted = f", wanted {self.wanted}" if self.wanted else ""
        return f"{self.law}{place}{found}{wanted}"


class LimitReached(ScanError):
    """A named limit ended the work before the bytes did.

    ``limit`` is the field of ``Limits`` that was reached.
    """

    def __init__(
        self, limit: str, *, allowed: int, found: int | None = None, offset: int | None = None
    ) -> None:
        super().__init__(limit, allowed, found, offset)
        self.limit = limit
        self.allowed = allowed
        self.found = found
        self.offset = offset

    def __str__(self) -> str:
        found = f", found {self.found}" if self.found is not None else ""
        return f"limit {self.limit}: allowed {self.allowed}{found}"


class PartlyRead(ScanError):
    """The end of a reader that does not follow its format in depth; ``reason`` says what it did do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreadable(ScanError):
    """A file that the operating system would not give us; ``reason`` is its own word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Changed(ScanError):
    """A file that was not the same at the end of the reading as at its beginning."""


class MissingDependency(ScanError):
    """A decoder that is not installed; ``name`` is what to install."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class ConfigurationError(UsageError):
    """A policy, rubric, snapshot or option that cannot be used; names file and key."""
