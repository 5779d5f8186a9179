"""Shards of PyTorch's distributed checkpoints: what ``torch.save`` makes of each tensor, one behind another.

Law: ``torch.distributed.checkpoint``, whose loader takes from ``.metadata`` where each item begins and ends,
and loads every item by itself. In any other file a row of archives would be content that readers disagree
on; here it is the format.
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.files.source import WindowSource
from scanner.model import Derived, Event, Member, Subject
from scanner.readers.zip_series import archives


def inspect(subject: Subject) -> Iterator[Event]:
    """Every item, as if it had been found alone. A file that is one archive is read like any other."""
    source, end, count = subject.source, 0, 0
    for start, end in archives(source):
        if not start and end == source.size:
            yield from _alone(subject)
            return
        count += 1
        subject.budget.spend_member()
        name = f"item at {start}"
        yield Member(name, WindowSource(source, start, end - start), subject.where.inside(name))
    if not count and source.read_at(0, 2) == b"PK":
        yield from _alone(subject)  # broken: whoever reads it may make more of it
        return
    if end < source.size:
        name = f"item at {end}"
        yield Member(name, WindowSource(source, end, source.size - end), subject.where.inside(name))
        count += 1
    yield Fact(FactName.FRAMEWORK, "PyTorch")
    yield Fact(FactName.MEMBERS, count)


def _alone(subject: Subject) -> Iterator[Event]:
    for row in ("zip", "pytorch-zip"):
        yield Derived(row, b"", subject.where, subject.source)
