"""Raw pickles and their dialects: what loading one would import and call, in words."""

from collections.abc import Iterator
from contextlib import suppress

from sbom.model import Fact, FactName
from scanner.artifacts import alike, names
from scanner.artifacts.names import Kind
from scanner.artifacts.pickle_calls import TRANSPARENT, Judge
from scanner.artifacts.pickle_probe import probe
from scanner.errors import LimitReached, Malformed
from scanner.model import Event, Evidence, Source, Subject, factors
from scanner.readers.pickle.crowd import Crowd, Crowds
from scanner.readers.pickle.frames import Spliced
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import Change, Global, Import, Made, Persistent, Quiet
from scanner.text import visible

__all__ = ["Inspection", "inspect", "probe"]

# Beginnings of packed files, which a row of their own reads.
_MAGICS = (
    b"PK",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\x00\x00",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"\x89HDF",
)
_FACT_CHARS = 4096
_READINGS = 3  # of one stream whose frames lie: each frame may add one
_FRAMEWORKS = (
    ("torch", "PyTorch"),
    ("__torch__", "TorchScript"),
    ("tensorflow", "TensorFlow"),
    ("keras", "Keras"),
    ("xgboost", "XGBoost"),
    ("lightgbm", "LightGBM"),
    ("catboost", "CatBoost"),
    ("transformers", "transformers"),
    ("gensim", "gensim"),
    ("statsmodels", "statsmodels"),
    ("spacy", "spaCy"),
    ("sklearn", "scikit-learn"),
    ("pandas", "pandas"),
    ("scipy", "SciPy"),
    ("numpy", "NumPy"),
)


def inspect(subject: Subject) -> Iterator[Event]:
    """Evidence of every dangerous, unvouched or hidden name, and the facts of the stream.

    Streams that follow each other in one file are all read, as long as they are pickles; what comes behind
    the last is data (raw tensors). Raises Malformed where the first stream breaks, or a later one that had
    already imported something.
    """
    yield from Inspection(subject).run()


class Inspection(Judge):
    """One file's pickles, told. Other formats that hold pickles build on it.

    ``asks_persistent``: persistent ids mean something to the format.
    """

    asks_persistent = False

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.names: dict[tuple[str | None, str], Global] = {}
        self.extensions: dict[int, tuple[str, str]] = {}
        self.crowds = Crowds(alike.alike, alike.plain, subject.limits.pickle_names_apart // 10)
        self.streams = 0
        self.protocol = 0
        self.end = 0

    def run(self) -> Iterator[Event]:
        """Everything, in the order of the file."""
        while True:
            machine = Machine(self.subject.source, self.subject.limits, start=self.end, quiet=names.quiet)
            machine.names, machine.extensions, machine.crowds = self.names, self.extensions, self.crowds
            machine.may_chain = self.subject.limits.pickle_streams - self.streams
            machine.tells_persistent = self.asks_persistent
            try:
                yield from self._tell(machine)
                yield from self._far_slot(machine)
                yield from self._other_reading(machine, whole=True)
                yield from self._plain_reading(machine)
            except Malformed as error:
                self._count_chained(machine)
                if machine.acted or not self.streams:
                    yield from self._far_slot(machine)
                yield from self._other_reading(machine, whole=False)
                yield from self._plain_reading(machine)
                if self.streams and not machine.acted:
                    break  # raw data behind the last pickle
                if not machine.acted and self.subject.claimed_by_suffix and self._is_container():
                    return  # compressed or packed: the row of its format reads it
                yield from self._names_in_the_end()
                if machine.acted:
                    yield self._broken(error)
                yield from self._facts()
                raise
            except LimitReached:
                yield from self._names_in_the_end()
                yield from self._facts()
                raise
            self._count_chained(machine)
            self.streams += 1
            self.protocol = max(self.protocol, machine.protocol)
            self.end = machine.end
            if self.streams > self.subject.limits.pickle_streams:
                yield from self._names_in_the_end()
                allowed = self.subject.limits.pickle_streams
                raise LimitReached("pickle_streams", allowed=allowed, offset=self.end)
            if not self.subject.source.read_at(self.end, 1):
                break
        yield from self._names_in_the_end()
        if self.is_clean:
            yield self._known_names_only()
        yield from self._facts()

    def _count_chained(self, machine: Machine) -> None:
        """Takes into account the streams that the machine read before its latest."""
        self.streams += machine.chained
        self.protocol = max(self.protocol, machine.chained_protocol)
        machine.chained = 0

    def on_persistent(self, machine: Machine, found: Persistent) -> None:
        """A persistent id, as met; formats whose loaders know them look at it here."""

    def _far_slot(self, machine: Machine) -> Iterator[Event]:
        """A memo slot whose number alone makes a loader take gigabytes."""
        if machine.far_slot is None:
            return
        offset, index = machine.far_slot
        message = (
            f"writes memo slot {index:,} of a file of {machine.source.size:,} bytes: a loader sets aside "
            f"{16 * index / 2**30:,.1f} GiB for it"
        )
        yield from self.say("ART-013", offset, "memo slot", message, factors(evidence="confirmed"))

    def _plain_reading(self, machine: Machine) -> Iterator[Event]:
        """What a plain load does with the array bytes that only joblib's loader knows to be data.

        It breaks at the first array, unless that was made to run: only the call of a known sink counts.
        """
        if machine.first_array is None:
            return
        source, limits = machine.source, self.subject.limits
        plain = Machine(source, limits, start=machine.start, quiet=names.quiet, joblib=False)
        other = Inspection(self.subject)
        with suppress(Malformed, LimitReached):
            for event in other._tell(plain, behind=machine.first_array):
                if isinstance(event, Evidence) and event.rule == "ART-001" and "<" not in event.subject:
                    self.is_clean = False
                    yield event

    def _other_reading(self, machine: Machine, *, whole: bool) -> Iterator[Event]:
        """What a loader does that reads from a file, where a frame ends inside an opcode.

        Told where one of the streams is ``whole`` or acts behind the cut: a length that chance has damaged
        does neither.
        """
        source: Source = machine.source
        told = False
        for _ in range(_READINGS):
            if machine.straddle is None:
                return
            start, end = machine.straddle
            source = Spliced(source, start, end)
            machine = Machine(source, self.subject.limits, start=machine.start, quiet=names.quiet)
            machine.names, machine.extensions, machine.crowds = self.names, self.extensions, self.crowds
            machine.tells_persistent = self.asks_persistent
            events = []
            try:
                for event in self._tell(machine, behind=start):
                    events.append(event)  # noqa: PERF402  (what came before the raise is kept)
                whole = True
            except (Malformed, LimitReached):
                whole = whole or bool(
                    events
                )  # what breaks in that reading has broken none of the file's laws
            if whole and not told:
                told = True
                message = (
                    "a frame ends inside an opcode: loaders that read a file run another stream from here"
                )
                measured = factors(effect="total", exploitation="poc", evidence="indicated")
                yield from self.say("ART-017", start, "frame", message, measured)
            yield from events

    # --- events -------------------------------------------------------------------------------------------

    def _tell(self, machine: Machine, behind: int = -1) -> Iterator[Event]:
        """The evidence of one stream, of what comes ``behind`` an offset only."""
        for event in machine.run():
            if event.offset < behind or ((self.streams or machine.chained) and not machine.acted):
                continue  # behind the first stream, data that only looks like opcodes is data
            if isinstance(event, Made):
                yield from self.judge(machine, event)
            elif isinstance(event, Import):
                if event.name.module is None:
                    message = f"imports a name that the file computes: {event.name.name}"
                    yield from self.say("ART-002", event.offset, event.name.path, message)
                    if self.is_told("ART-002", event.name.path):
                        event.name.quiet |= Quiet.IMPORT
                else:
                    event.name.quiet |= Quiet.IMPORT  # what is said of it is said at the end
            elif isinstance(event, Change):
                yield from self.judge_change(machine, event)
            else:
                self.on_persistent(machine, event)

    # --- what can only be said at the end -----------------------------------------------------------------

    def _names_in_the_end(self) -> Iterator[Event]:
        for found in sorted(self.names.values(), key=lambda name: (name.offset, name.path)):
            if found.module is None or (found.computed and not found.name) or not found.is_plausible:
                continue
            verdict = self.classify(found)
            path = found.path
            if verdict.kind in (Kind.SINK, Kind.CARRIES):
                if path not in self.called and path not in TRANSPARENT:
                    does = verdict.capability or "rebuilds code"
                    message = f"names {path}, which {does}, and does not call it itself"
                    yield from self.say("ART-002", found.offset, path, message, factors(evidence="indicated"))
            elif verdict.kind is Kind.UNKNOWN and (path not in self.called or found.makes) and found.imports:
                verb = f"makes {found.makes} of" if found.makes else "names"
                message = f"{verb} {path}, a class or function that nobody vouches for"
                yield from self.say("ART-016", found.offset, path, message)
        for crowd in self.crowds.by_sort.values():
            if crowd.name is not None and (crowd.name.is_plausible or crowd.name.module is None):
                yield from self._crowd_in_the_end(crowd, crowd.name)

    def _crowd_in_the_end(self, crowd: Crowd, name: Global) -> Iterator[Event]:
        """Names that were not told apart: how many more, and where."""
        verdict = self.classify(name)
        count = f"{crowd.others:,} more names" if crowd.others > 1 else "one more name"
        first = f"{name.module}.{name.name}" if name.module is not None else name.name
        where = f"the first of them {first} at byte {crowd.first:,}, the last at byte {crowd.last:,}"
        if name.module is None:
            message = f"imports {count} that the file computes, {where}"
            yield from self.say("ART-002", crowd.first, name.path, message)
        elif verdict.kind is Kind.SINK:
            message = f"names {count} of what {verdict.capability}, {where}"
            yield from self.say("ART-002", crowd.first, name.path, message, factors(evidence="indicated"))
        elif verdict.kind is Kind.UNKNOWN:
            message = f"names {count} that nobody vouches for, {where}"
            yield from self.say("ART-016", crowd.first, name.path, message)

    def _broken(self, error: Malformed) -> Evidence:
        self.is_clean = False
        where = self.subject.where.at(offset=error.offset)
        imported = ", ".join(sorted(name.path for name in self.names.values() if name.imports)[:6])
        message = f"the stream breaks ({error.law}) after it acted: a loader ran all before, with {imported}"
        return Evidence(
            "ART-004", where, visible(message, limit=self.subject.limits.message_chars), "broken-stream"
        )

    def _known_names_only(self) -> Evidence:
        count = sum(1 for name in self.names.values() if name.imports)
        said = f"its {count} names are all known to be harmless" if count else "it names nothing to import"
        return Evidence(
            "ART-003", self.subject.where, f"a pickle; {said}", "pickle", factors(effect="hygiene")
        )

    def _facts(self) -> Iterator[Fact]:
        yield Fact(FactName.PICKLE_PROTOCOL, self.protocol)
        imported = sorted(
            {visible(name.path) for name in self.names.values() if name.imports and name.is_plausible}
        )
        if imported:
            yield Fact(FactName.IMPORTS, _joined(imported))
        tops = {path.partition(".")[0] for path in imported}
        for top, framework in _FRAMEWORKS:
            if top in tops:
                yield Fact(FactName.FRAMEWORK, framework)
                break

    # --- saying it ----------------------------------------------------------------------------------------

    def _is_container(self) -> bool:
        return self.subject.source.read_at(0, 8).startswith(_MAGICS)


def _joined(items: list[str]) -> str:
    text = ""
    for count, item in enumerate(items):
        if len(text) + len(item) > _FACT_CHARS:
            return f"{text} and {len(items) - count} more"
        text += f", {item}" if text else item
    return text
