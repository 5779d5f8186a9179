"""Raw pickles and their dialects: what loading one would import and call, in words."""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.artifacts import names
from scanner.artifacts.names import Kind, Verdict
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Limits
from scanner.model import Derived, Event, Evidence, Factors, Source, Subject, factors
from scanner.readers.pickle.calls import Calls
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.frames import Spliced
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import (
    Change,
    Global,
    Import,
    Made,
    Persistent,
    Quiet,
    Use,
    Value,
)
from scanner.text import visible

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
_EACH = 16  # findings of one rule about one name; the rest is counted
_TRANSPARENT = frozenset(
    {
        "builtins.getattr",
        "operator.attrgetter",
        "operator.methodcaller",
        "builtins.object.__getattribute__",
        "builtins.type.__getattribute__",
        "dill._dill._get_attr",
        "dill.dill._get_attr",
    }
)
_IMPORTERS = frozenset(
    {"dill._dill._import_module", "dill.dill._import_module", "cloudpickle.cloudpickle.subimport"}
)
_PLAIN_CODECS = frozenset({"latin1", "latin-1", "latin_1", "iso-8859-1", "ascii", "utf-8", "utf8"})
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


class Inspection:
    """One file's pickles, told. Other formats that hold pickles build on it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.names: dict[tuple[str | None, str], Global] = {}
        self.persistent: list[tuple[Value, Machine]] = []
        self.streams = 0
        self.protocol = 0
        self.end = 0
        self._said: dict[tuple[str, str], int] = {}
        self._called: set[str] = set()
        self._worst = False

    def run(self) -> Iterator[Event]:
        """Everything, in the order of the file."""
        while True:
            machine = Machine(self.subject.source, self.subject.limits, start=self.end, quiet=names.quiet)
            machine.names = self.names
            try:
                yield from self._tell(machine)
                yield from self._other_reading(machine, whole=True)
            except Malformed as error:
                yield from self._other_reading(machine, whole=False)
                if self.streams and not machine.acted:
                    break  # raw data behind the last pickle
                if not machine.acted and self.subject.claimed_by_suffix and self._is_container():
                    return  # compressed or packed: the row of its format reads it
                yield from self._names_in_the_end()
                if machine.acted:
                    yield self._broken(machine, error)
                yield from self._facts()
                raise
            except LimitReached:
                yield from self._names_in_the_end()
                yield from self._facts()
                raise
            self.streams += 1
            self.protocol = max(self.protocol, machine.protocol)
            self.end = machine.end
            if not self.subject.source.read_at(self.end, 1):
                break
        yield from self._names_in_the_end()
        if not self._worst:
            yield self._known_names_only()
        yield from self._facts()

    def on_persistent(self, machine: Machine, found: Persistent) -> None:
        """A persistent id, as met; formats whose loaders know them look at it here."""

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
            machine.names = self.names
            events = []
            try:
                for event in self._tell(machine, behind=start):
                    events.append(event)
                whole = True
            except (Malformed, LimitReached):
                whole = whole or bool(
                    events
                )  # what breaks in that reading has broken none of the file's laws
            if whole and not told:
                told = True
                message = "a frame ends inside an opcode: loaders that read from a file run another stream from here"
                measured = factors(effect="total", exploitation="poc", evidence="indicated")
                yield from self._say("ART-017", start, "frame", message, measured)
            yield from events

    # --- events -------------------------------------------------------------------------------------------

    def _tell(self, machine: Machine, behind: int = -1) -> Iterator[Event]:
        """The evidence of one stream, of what comes ``behind`` an offset only."""
        for event in machine.run():
            if event.offset < behind:
                continue
            if isinstance(event, Made):
                yield from self._judge(machine, event)
            elif isinstance(event, Import):
                if event.name.module is None:
                    message = f"imports a name that the file computes: {event.name.name}"
                    yield from self._say("ART-002", event.offset, event.name.path, message)
            elif isinstance(event, Change):
                yield from self._change(machine, event)
            else:
                self.on_persistent(machine, event)

    def _judge(self, machine: Machine, made: Made) -> Iterator[Event]:
        callee = made.callee
        if not isinstance(callee, Global):
            if made.result is None:
                yield from self._unknown_call(machine, made, _base(made))
            return
        path = callee.path
        if callee.module is None:
            yield from self._hidden_call(machine, made, path)
            return
        verdict = self._classify(callee)
        constructs = made.how in ("newobj", "newobj_ex") or (made.how in ("obj", "inst") and made.args == ())
        self._called.add(path)
        handed = self._sink_among(machine, made)
        if handed is not None and names.is_applier(path) and made.result is None:
            self._called.add(handed.path)
            message = (
                f"loading this hands {handed.path} to a function that calls it: {describe(machine, made)}"
            )
            yield from self._say("ART-001", made.offset, handed.path, message, factors(evidence="confirmed"))
        elif names.is_applier(path) and self._hands_honest_names(machine, made):
            return
        elif path == "builtins.type" and len(machine.arguments(made.args) or ()) == 1:
            return  # only asks what something is
        elif path in _TRANSPARENT:
            yield from self._attribute(machine, made)
        elif path in _IMPORTERS:
            yield from self._importer(machine, made)
        elif (
            path == "torch.storage._load_from_bytes"
            or verdict.kind is Kind.CARRIES
            or "loads" in verdict.capability
        ):
            yield from self._carried(machine, made, verdict)
        elif verdict.kind is Kind.SINK:
            yield from self._sink_call(machine, made, verdict, constructs=constructs)
        elif verdict.kind is Kind.HONEST:
            yield from self._honest(machine, made, verdict, constructs=constructs)
        elif constructs:
            if verdict.kind is Kind.UNKNOWN:
                # One finding a class, at the end; the machine need not tell the others.
                callee.quiet |= Quiet.CONSTRUCT | Quiet.FILL
        else:
            yield from self._unknown_call(machine, made, path)

    def _sink_call(
        self, machine: Machine, made: Made, verdict: Verdict, *, constructs: bool
    ) -> Iterator[Event]:
        path = made.callee_name
        resolved = _resolved(machine, made.args)
        message = f"loading this {'makes' if constructs else 'calls'} {describe(machine, made)}, which {verdict.capability}"
        if made.uses & Use.DISCARDED:
            message += "; the result is thrown away"
        measured = factors(
            exploitation="active" if resolved and not constructs else "poc",
            evidence="indicated" if constructs else "confirmed",
        )
        yield from self._say("ART-001", made.offset, path, message, measured)

    def _attribute(self, machine: Machine, made: Made) -> Iterator[Event]:
        """getattr is judged by what it leads to: real files take methods of honest classes."""
        if made.result is not None:
            return  # a name, judged where it is called and at the end
        given = machine.arguments(made.args) or ()
        getter = made.callee_name in ("operator.attrgetter", "operator.methodcaller")
        wanted = given[:1] if getter else given[1:2]
        texts = [machine.text(value) for value in wanted]
        if texts and all(text is not None and not names.is_dangerous_attribute(text) for text in texts):
            return
        message = f"loading this reaches into an object: {describe(machine, made)}"
        measured = factors(exploitation="poc", evidence="confirmed")
        yield from self._say("ART-001", made.offset, made.callee_name, message, measured)

    def _importer(self, machine: Machine, made: Made) -> Iterator[Event]:
        found = made.result
        if isinstance(found, Global) and found.module and self._classify(found).kind is not Kind.SINK:
            return
        message = f"loading this imports a module by name: {describe(machine, made)}"
        yield from self._say("ART-002", made.offset, made.callee_name, message)

    def _carried(self, machine: Machine, made: Made, verdict: Verdict) -> Iterator[Event]:
        """Code or another pickle inside this one: bytes that a loader is handed are read like a file."""
        limits = self.subject.limits
        loads = made.callee_name.endswith(("loads", "_load_from_bytes"))
        data = _bytes_of(machine, made.args, limits.text_bytes, texts=loads)
        if data is not None:
            yield Derived(
                _format_of(data), data, self.subject.where.inside(f"bytes at {made.offset}").at(offset=0)
            )
            if made.callee_name == "torch.storage._load_from_bytes":
                return  # how a tensor pickles itself
        elif verdict.kind is Kind.SINK or loads:
            verdict = Verdict(Kind.SINK, verdict.capability or "loads another pickle")
            yield from self._sink_call(machine, made, verdict, constructs=False)
            return
        what = "another pickle" if data is not None else "code"
        message = f"loading this rebuilds {what} that the file carries: {describe(machine, made)}"
        yield from self._say("ART-002", made.offset, made.callee_name, message)

    def _honest(self, machine: Machine, made: Made, verdict: Verdict, *, constructs: bool) -> Iterator[Event]:
        path = made.callee_name
        if path in ("_codecs.encode", "codecs.encode"):
            given = machine.arguments(made.args) or ()
            encoding = machine.text(given[1]) if len(given) > 1 else "utf-8"
            if encoding is None or encoding.lower() not in _PLAIN_CODECS:
                yield from self._unknown_call(machine, made, path)
        elif not constructs and verdict.use != "call" and made.args != ():
            yield from self._unknown_call(machine, made, path)

    def _unknown_call(self, machine: Machine, made: Made, path: str) -> Iterator[Event]:
        message = f"loading this calls {describe(machine, made)}, which nobody vouches for"
        yield from self._say("ART-002", made.offset, path, message, factors(evidence="indicated"))

    def _hidden_call(self, machine: Machine, made: Made, path: str) -> Iterator[Event]:
        message = f"loading this calls a name that the file hides: {describe(machine, made)}"
        measured = factors(exploitation="poc", evidence="indicated")
        yield from self._say("ART-001", made.offset, path, message, measured)

    def _change(self, machine: Machine, change: Change) -> Iterator[Event]:
        target = change.target
        if not isinstance(target, Global):
            return  # its own object: judged by the call that made it
        self._called.add(target.path)
        items = describe(machine, change.items if len(change.items) > 1 else change.items[0])
        message = f"loading this changes {target.path}, which it did not make: {change.how} {items}"
        known = target.module is not None and self._classify(target).kind is not Kind.UNKNOWN
        yield from self._say("ART-001" if known else "ART-002", change.offset, target.path, message)

    # --- what can only be said at the end -----------------------------------------------------------------

    def _names_in_the_end(self) -> Iterator[Event]:
        for found in sorted(self.names.values(), key=lambda name: (name.offset, name.path)):
            if found.module is None or (found.computed and not found.name) or not _plausible(found):
                continue
            verdict = self._classify(found)
            path = found.path
            if verdict.kind in (Kind.SINK, Kind.CARRIES):
                if path not in self._called and path not in _TRANSPARENT:
                    message = f"names {path}, which {verdict.capability or 'rebuilds code'}, and does not call it itself"
                    yield from self._say(
                        "ART-002", found.offset, path, message, factors(evidence="indicated")
                    )
            elif verdict.kind is Kind.UNKNOWN and (path not in self._called or found.makes) and found.imports:
                verb = f"makes {found.makes} of" if found.makes else "names"
                message = f"{verb} {path}, a class or function that nobody vouches for"
                yield from self._say("ART-016", found.offset, path, message)

    def _broken(self, machine: Machine, error: Malformed) -> Evidence:
        self._worst = True
        where = self.subject.where.at(offset=error.offset)
        imported = ", ".join(sorted(name.path for name in self.names.values() if name.imports)[:6])
        message = f"the stream breaks after it acted ({error.law}): a loader has run everything before, with {imported}"
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
            {visible(name.path) for name in self.names.values() if name.imports and _plausible(name)}
        )
        if imported:
            yield Fact(FactName.IMPORTS, _joined(imported))
        tops = {path.partition(".")[0] for path in imported}
        for top, framework in _FRAMEWORKS:
            if top in tops:
                yield Fact(FactName.FRAMEWORK, framework)
                break

    # --- saying it ----------------------------------------------------------------------------------------

    def _say(
        self, rule: str, offset: int, subject: str, message: str, measured: Factors = ()
    ) -> Iterator[Event]:
        self._worst = True
        key = (rule, subject)
        self._said[key] = self._said.get(key, 0) + 1
        if self._said[key] <= _EACH:
            limit = self.subject.limits.message_chars
            where = self.subject.where.at(offset=offset)
            yield Evidence(rule, where, visible(message, limit=limit), visible(subject, limit=200), measured)

    def _classify(self, name: Global) -> Verdict:
        verdict = names.classify(name.module or "", name.name)
        if name.old is not None and verdict.kind not in (Kind.SINK, Kind.CARRIES):
            # A loader that renames nothing sees the name as it is written.
            written = names.classify(*name.old)
            if written.kind is Kind.SINK:
                return written
        return verdict

    def _sink_among(self, machine: Calls, made: Made) -> Global | None:
        given = machine.arguments(made.args) or ()
        for value in given:
            if isinstance(value, Global) and value.module is not None and value.path not in _TRANSPARENT:
                kind = self._classify(value).kind
                if kind is Kind.SINK or (kind is Kind.CARRIES and made.callee_name != "functools.partial"):
                    return value
        return None

    def _hands_honest_names(self, machine: Calls, made: Made) -> bool:
        """Whether a function that calls an argument is handed nothing but what honest files hold."""
        given = machine.arguments(made.args) or ()
        handed = [value for value in given if isinstance(value, Global | Made)]
        return bool(handed) and all(
            isinstance(value, Global)
            and value.module is not None
            and self._classify(value).kind is Kind.HONEST
            for value in handed
        )

    def _is_container(self) -> bool:
        return self.subject.source.read_at(0, 8).startswith(_MAGICS)


def _base(made: Made) -> str:
    """The name at the bottom of a chain of calls of results."""
    value: Value = made
    for _ in range(100):
        if not isinstance(value, Made):
            break
        value = value.callee
    return value.path if isinstance(value, Global) else "a result"


def _plausible(name: Global) -> bool:
    """Whether a name can be one: bytes that only look like an import are no finding of their own."""
    return all(part.isidentifier() or part.startswith("<") for part in name.path.split("."))


def _resolved(machine: Calls, args: Value) -> bool:
    """Whether every argument is known."""
    given = machine.arguments(args)
    return given is not None and all(not isinstance(value, Made | Persistent) for value in given)


def _bytes_of(machine: Calls, args: Value, limit: int, *, texts: bool) -> bytes | None:
    """The bytes that a loader is handed, by themselves or wrapped in BytesIO; ``texts`` that spell them count."""
    given = machine.arguments(args)
    for _ in range(3):
        if not given:
            return None
        first = given[0]
        if machine.is_literal(first):
            data, whole = machine.literal(first, limit)
            if isinstance(data, str) and texts:
                data = data.encode("latin-1", "replace")  # protocol 0 to 2 spell bytes as text
            return data if isinstance(data, bytes) and whole else None
        if not isinstance(first, Made) or not first.callee_name.endswith(("BytesIO", "encode")):
            return None
        given, texts = machine.arguments(first.args), True
    return None


def _format_of(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        return "zip"
    return "pytorch-legacy" if b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in data[:32] else "pickle"


def _joined(items: list[str]) -> str:
    text = ""
    for count, item in enumerate(items):
        if len(text) + len(item) > _FACT_CHARS:
            return f"{text} and {len(items) - count} more"
        text += f", {item}" if text else item
    return text


# --- is it one? ---------------------------------------------------------------------------------------------

_PROBE_LIMITS = Limits(pickle_ops=100_000, pickle_names=1000)
_PROTO = 0x80
_ENOUGH_OPCODES = 24  # that took effect, where nothing was imported yet


class _Head:
    """The beginning of something that may be long."""

    size = 2**60

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes of the beginning."""
        return self._data[offset : offset + length]


def probe(head: bytes) -> bool:
    """Whether a file that begins like this is a pickle, whatever its name.

    With a PROTO opcode and what follows it valid, yes. Without one, only where the stream imports something
    with the name of something and goes on sensibly, or is too long a run of opcodes to be a text.
    """
    start = 0
    while start < len(head):
        machine = Machine(_Head(head[start:]), _PROBE_LIMITS, joblib=False)
        error: ScanError | None = None
        try:
            for event in machine.run():
                if isinstance(event, Made | Change) and _plausible_call(event):
                    return True
        except ScanError as caught:
            error = caught
        named = any(_plausible(name) for name in machine.names.values() if name.imports)
        if head[start] == _PROTO:
            return error is None or machine.position > 2 or len(head) == start + 2
        if error is not None:
            cut = isinstance(error, LimitReached) or (
                isinstance(error, Malformed) and error.law == "truncated"
            )
            return cut and (named or machine.opcodes >= _ENOUGH_OPCODES)
        if named:
            return True
        start += machine.end
    return False


def _plausible_call(event: Made | Change) -> bool:
    callee = event.callee if isinstance(event, Made) else event.target
    return not isinstance(callee, Global) or _plausible(callee)
