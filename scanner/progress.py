"""How far long work has come, for whoever watches; nobody does unless a terminal asked for it.

Like a log: what is told here goes one way and changes nothing of what is reported.
"""

from collections.abc import Callable

from sbom.record import record


@record
class Progress:
    """What is being done, to how many of how many files or records, and bytes; 0 where nobody knows."""

    doing: str
    done: int = 0
    of: int = 0
    bytes: int = 0
    of_bytes: int = 0


Hear = Callable[[Progress | None], None]
_listening: list[Hear] = []


def watch(hear: Hear | None) -> None:
    """From now on ``hear`` is told, and nobody else; None: nobody. Who was told until now is told None."""
    for one in _listening[:]:
        _listening.remove(one)
        one(None)
    if hear is not None:
        _listening.append(hear)


def tell(doing: str, done: int = 0, of: int = 0, read: int = 0, of_bytes: int = 0) -> None:
    """Says how far the work is, where somebody watches."""
    for hear in _listening:
        hear(Progress(doing, done, of, read, of_bytes))
