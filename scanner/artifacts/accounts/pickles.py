"""A pickle shown: what each stream imports, what it calls, and the machine's steps up to each call."""

from collections.abc import Iterator

from sbom.record import field, mutable
from scanner.artifacts import names
from scanner.artifacts.names import Kind, Verdict
from scanner.errors import ScanError
from scanner.model import Asked, Subject, Table
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.trace import Step, Stepper
from scanner.readers.pickle.values import Global, Made, Use
from scanner.text import visible

_STREAMS = 16  # of one file, shown one by one
_KNOWN = 3  # the weight of a call that everybody knows
_KEPT = 2_000  # calls of one stream that may be shown
_HONEST = {"call": "known, may be called", "construct": "known class", "refer": "known, may be named"}
_HOW = {
    "reduce": "called",
    "newobj": "constructed",
    "newobj_ex": "constructed",
    "inst": "called or constructed",
    "obj": "called or constructed",
}


def account(subject: Subject, asked: Asked) -> Iterator[Table]:
    """The imports and calls of every stream in turn, as far as the streams can be read."""
    end = 0
    for number in range(1, _STREAMS + 1):
        machine, calls, whole = _run(subject, end)
        if number > 1 and not (whole or machine.acted):
            return  # what lies behind the last pickle is data
        title = f"stream {number}: " if number > 1 else ""
        yield from _imports(subject, machine, asked, title)
        yield from _calls(subject, calls, asked, title)
        if asked.trace:
            yield from _trace(subject, machine, calls, asked)
        if not whole or not subject.source.read_at(machine.end, 1):
            return
        end = machine.end


@mutable
class _Calls:
    """The calls of one stream: all that are dangerous, the first of the others, and how many there were."""

    kept: list[tuple[Made, str]] = field(default_factory=list)
    count: int = 0

    def add(self, machine: Machine, made: Made) -> None:
        """Keeps a call as it is met, in words: what it was handed may change later."""
        self.count += 1
        if len(self.kept) < _KEPT or (len(self.kept) < 2 * _KEPT and not _weight(made)):
            self.kept.append((made, _described(machine, made)))

    def shown(self, rows: int) -> list[tuple[Made, str]]:
        """So many of them, what is dangerous first of all; in the order of the file."""
        first = sorted(self.kept, key=lambda kept: _weight(kept[0]))[:rows]
        return sorted(first, key=lambda kept: kept[0].offset)


def _run(subject: Subject, start: int) -> tuple[Machine, _Calls, bool]:
    """The machine after its run, the calls that it met, and whether the stream ended as it should."""
    machine = Machine(subject.source, subject.limits, start=start)
    calls = _Calls()
    try:
        for event in machine.run():
            if isinstance(event, Made):
                calls.add(machine, event)
    except ScanError:
        return machine, calls, False
    return machine, calls, True


def _imports(subject: Subject, machine: Machine, asked: Asked, title: str) -> Iterator[Table]:
    found = sorted(
        (name for name in machine.names.values() if name.imports or name.computed),
        key=lambda name: (name.offset, name.path),
    )
    if not found:
        return
    rows = tuple(
        (f"{name.offset:,}", visible(name.path, limit=200), _known(name)) for name in found[: asked.rows]
    )
    columns = ("byte", "name", "what is known of it")
    yield Table(f"{title}imports", subject.where, columns, rows, len(found) - len(rows))


def _known(name: Global) -> str:
    if name.module is None:
        return "computed by the file: nobody can say what it is"
    verdict = names.classify(name.module, name.name)
    said = _word(verdict)
    if name.old is not None:
        said += f" (written as {visible('.'.join(name.old), limit=120)})"
    return f"{said}; looked up by the file itself" if name.computed else said


def _word(verdict: Verdict) -> str:
    if verdict.kind is Kind.SINK:
        return f"dangerous: {verdict.capability}"
    if verdict.kind is Kind.CARRIES:
        return "rebuilds code that the file carries"
    if verdict.kind is Kind.HONEST:
        return _HONEST.get(verdict.use, "known")
    if verdict.kind is Kind.STDLIB:
        return "Python's own, not known from models"
    return "unknown: nobody vouches for it"


def _calls(subject: Subject, calls: _Calls, asked: Asked, title: str) -> Iterator[Table]:
    if not calls.count:
        return
    limit = subject.limits.message_chars
    rows = tuple(
        (
            f"{made.offset:,}",
            _HOW.get(made.how, made.how),
            visible(words, limit=limit),
            _use(made.uses),
        )
        for made, words in calls.shown(asked.rows)
    )
    columns = ("byte", "how", "call", "and its result")
    yield Table(f"{title}calls", subject.where, columns, rows, calls.count - len(rows))


def _weight(made: Made) -> int:
    callee = made.callee
    if not isinstance(callee, Global) or callee.module is None:
        return 1
    kind = names.classify(callee.module, callee.name).kind
    return {Kind.SINK: 0, Kind.CARRIES: 0, Kind.UNKNOWN: 1, Kind.STDLIB: 2, Kind.HONEST: _KNOWN}[kind]


def _described(machine: Machine, made: Made) -> str:
    try:
        return describe(machine, made)
    except ScanError:
        return f"{made.callee_name or '?'}(…)"


def _use(uses: int) -> str:
    said = [
        word
        for bit, word in (
            (Use.CALLED, "is called in turn"),
            (Use.ARGUMENT, "is handed to a call"),
            (Use.FILLED, "is given content"),
            (Use.DISCARDED, "is thrown away"),
            (Use.ROOT, "is what the load returns"),
        )
        if uses & bit
    ]
    return ", ".join(said) or "becomes part of the result"


def _trace(subject: Subject, machine: Machine, calls: _Calls, asked: Asked) -> Iterator[Table]:
    kept = [made for made, _ in calls.shown(asked.rows)]
    # The calls of what everybody knows are of interest only where there are no others.
    wanted = {made.offset for made in kept if _weight(made) < _KNOWN} or {made.offset for made in kept}
    stepper = Stepper(subject.source, subject.limits, wanted, start=machine.start, around=asked.around)
    columns = ("byte", "opcode", "argument", "stack behind it, the top at the right")
    for offset, steps in sorted(stepper.walk().items()):
        rows = tuple(_step(step) for step in steps)
        yield Table(f"steps to the call at byte {offset:,}", subject.where, columns, rows)


def _step(step: Step) -> tuple[str, ...]:
    below = f"({step.below} more) " if step.below else ""
    stack = "  ".join(visible(value, limit=80) for value in step.stack)
    return (f"{step.offset:,}", step.opcode, visible(step.argument, limit=80), f"{below}{stack}")
