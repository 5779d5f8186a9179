"""TensorFlow's operators (``tensorflow_ops.json``): which are its own, and what some do to the machine."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sbom.record import record

# always: no prediction needs it. path: in honest models too, for their own files. data: input pipelines of
# training. records: the same, of a format that no other file has. queue: reads what a queue names. stream,
# named: only with an attribute that honest graphs leave alone.
When = Literal["always", "path", "data", "records", "queue", "stream", "named"]


@record
class Act:
    """What an operator does; ``operands`` are positions of inputs or ``@attribute`` that name the file."""

    what: str
    when: When
    operands: tuple[int | str, ...] = ()


@record
class _Data:
    acts: dict[str, Act]
    known: frozenset[str]
    families: tuple[tuple[re.Pattern[str], str], ...]
    libraries: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def _data() -> _Data:
    raw = json.loads(Path(__file__).with_name("tensorflow_ops.json").read_text("utf-8"))
    acts = {name: Act(what, when, tuple(operands)) for name, (what, when, operands) in raw["acts"].items()}
    families = tuple((re.compile(pattern), what) for pattern, what in raw["families"].items())
    known = frozenset(name for line in raw["known"] for name in line.split())
    return _Data(acts, known, families, tuple(raw["libraries"].items()))


def act_of(op: str) -> Act | None:
    """What the operator does to files, network or Python, or None."""
    data = _data()
    known = data.acts.get(op)
    if known is not None or op in data.known:
        return known
    what = next((what for pattern, what in data.families if pattern.search(op)), None)
    return Act(what, "always") if what else None


def is_known(op: str) -> bool:
    """Whether TensorFlow itself has registered the operator, in the version of the list or before."""
    data = _data()
    return op in data.known or op in data.acts


def library_of(op: str) -> str:
    """The package that is known to register operators of such a name, or nothing."""
    return next((package for prefix, package in _data().libraries if op.startswith(prefix)), "")
