"""One call of a pickle, judged: by what its name can do, how it is called, and what it is handed."""

from collections.abc import Iterator

from scanner.artifacts import names
from scanner.artifacts.names import Kind, Verdict
from scanner.model import Derived, Event, Evidence, Factors, Subject, factors
from scanner.readers.pickle import arrays
from scanner.readers.pickle.calls import Calls
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.values import Change, Fresh, Global, Made, Persistent, Quiet, Value
from scanner.text import visible

_EACH = 16  # findings of one rule about one name; the rest is counted
# Judged by what they lead to.
TRANSPARENT = frozenset(
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
_OUT_OF_THE_FOLDER = ("/", "\\", ":")
_CYTHON = "__pyx_unpickle_"
_CHAIN = 8  # calls of results of calls that are followed down to a name
_DEEP = "a result"  # of so many calls
_LOADS = "loads another pickle"  # the capability's words in the policy's data
# These only keep what they are handed: it is judged where their result is called.
_LATER = frozenset({"collections.defaultdict", "functools.partial", "types.MethodType"})
# Through these a packed stream reaches its loader; what they are handed is read as a packed file is.
_UNPACKERS = ("zlib.decompress", "gzip.decompress", "bz2.decompress", "lzma.decompress", "BufferedReader")
_LOADERS = ("loads", "_load_from_bytes", "_unpickle__CustomPickled")
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\x00\x00")
_PLAIN_CODECS = frozenset({"latin1", "latin-1", "latin_1", "iso-8859-1", "ascii", "utf-8", "utf8"})


class Judge:
    """Evidence of calls and changes, as met.

    ``called`` holds the paths that were judged by a call; ``is_clean`` is True as long as nothing was said.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.called: set[str] = set()
        self.is_clean = True
        self._said: dict[tuple[str, str], int] = {}

    def judge(self, machine: Machine, made: Made) -> Iterator[Event]:
        """What is wrong with one call."""
        callee = made.callee
        if not isinstance(callee, Global):
            if made.result is None:
                base = _base(made)
                if base == _DEEP and self.is_told("ART-002", base):
                    machine.tells_deep_calls = False
                yield from self._unknown_call(machine, made, base)
            return
        path = callee.path
        if callee.module is None:
            yield from self._hidden_call(machine, made, path)
        else:
            self.called.add(path)
            yield from self._judge_named(machine, made, callee, self.classify(callee))

    def _judge_named(self, machine: Machine, made: Made, callee: Global, verdict: Verdict) -> Iterator[Event]:
        path = callee.path
        constructs = made.how in ("newobj", "newobj_ex") or (
            made.how in ("obj", "inst") and made.args == () and _could_be_class(callee)
        )
        handed = self._sink_among(machine, made)
        if handed is not None and names.is_applier(path) and made.result is None:
            self.called.add(handed.path)
            message = (
                f"loading this hands {handed.path} to a function that calls it: {describe(machine, made)}"
            )
            yield from self.say("ART-001", made.offset, handed.path, message, factors(evidence="confirmed"))
        elif path in TRANSPARENT:
            yield from self._attribute(machine, made)
        elif (places := names.imported_by_text(path)) is not None:
            yield from self._importer(machine, made, places)
        elif names.is_changer(path):
            yield from self._changer(machine, made)
        elif (place := names.unpacked_argument(path)) is not None:
            yield from self._unpacked(machine, made, place)
        elif verdict.kind is Kind.CARRIES or verdict.capability == _LOADS:
            yield from self._carried(machine, made, verdict)
        elif self._is_told(callee) or (names.is_applier(path) and self._hands_honest_names(machine, made)):
            return
        elif verdict.kind is Kind.SINK:
            yield from self._sink_call(machine, made, verdict, constructs=constructs)
        elif verdict.kind is Kind.HONEST:
            yield from self._honest(machine, made, verdict, constructs=constructs)
        elif constructs or self._is_like_making(machine, made, callee, verdict):
            if not constructs:
                self.called.discard(path)  # said at the end, like what is made
            elif verdict.kind is Kind.UNKNOWN:
                # One finding a class, at the end; the machine need not tell the others.
                callee.quiet |= Quiet.CONSTRUCT | _fill_of(callee) | Quiet.TOLD
        else:
            yield from self._unknown_call(machine, made, path)

    def _is_like_making(self, machine: Machine, made: Made, callee: Global, verdict: Verdict) -> bool:
        """Whether a call of a name that nobody knows does no more than making an object of a class does.

        So is the member of an Enum pickled, by its number; and Cython has one function a class for making
        an object, which calls ``__new__`` of its first argument.
        """
        if verdict.kind is not Kind.UNKNOWN or made.how in ("obj", "inst"):
            return False
        if callee.name.rpartition(".")[2].startswith(_CYTHON):
            return True
        given = machine.arguments(made.args)
        if given is None or len(given) != 1:
            return False
        return _could_be_class(callee) and machine.number(given[0]) is not None

    def _is_told(self, callee: Global) -> bool:
        """Whether enough was said of the name; the machine then keeps its other calls to itself."""
        path = callee.path
        if not self.is_told("ART-001", path) and not self.is_told("ART-002", path):
            return False
        if names.is_followed(path):
            callee.quiet |= Quiet.OBJECTS
            return True
        callee.quiet |= Quiet.CALL | Quiet.CONSTRUCT | _fill_of(callee) | Quiet.TOLD
        return True

    def _sink_call(
        self, machine: Machine, made: Made, verdict: Verdict, *, constructs: bool
    ) -> Iterator[Event]:
        path = made.callee_name
        resolved = _is_resolved(machine, made.args)
        does = "makes" if constructs else "calls"
        message = f"loading this {does} {describe(machine, made)}, which {verdict.capability}"
        if machine.throws_away(made):
            message += "; the result is thrown away"
        measured = factors(
            exploitation="active" if resolved and not constructs else "poc",
            evidence="indicated" if constructs else "confirmed",
        )
        yield from self.say("ART-001", made.offset, path, message, measured)

    def _attribute(self, machine: Machine, made: Made) -> Iterator[Event]:
        """getattr is judged by what it leads to: real files take methods of honest classes."""
        given = machine.arguments(made.args) or ()
        getter = made.callee_name in ("operator.attrgetter", "operator.methodcaller")
        if made.result is not None and not getter:
            return  # a name, judged where it is called and at the end
        wanted = given[:1] if getter else given[1:2]
        texts = [machine.text(value) for value in wanted]
        if texts and all(text is not None and not names.is_dangerous_attribute(text) for text in texts):
            return
        message = f"loading this reaches into an object: {describe(machine, made)}"
        measured = factors(exploitation="poc", evidence="confirmed")
        yield from self.say("ART-001", made.offset, made.callee_name, message, measured)

    def _importer(self, machine: Machine, made: Made, places: tuple[int, int]) -> Iterator[Event]:
        """A module imported by a text: what that names is judged as if the stream had named it."""
        given = machine.arguments(made.args) or ()
        at, of = places
        texts = [machine.text(given[place]) if 0 <= place < len(given) else None for place in places]
        if at >= len(given) or (of >= 0 and texts[1] is None and texts[0] is None):
            return  # fewer arguments than it takes: the load fails, or imports nothing
        found = made.result
        if texts[0] is not None and not (isinstance(found, Global) and found.module):
            found = machine.derived(texts[0], texts[1] or "", made.offset)
        if isinstance(found, Global) and found.module and self.classify(found).kind is not Kind.SINK:
            found.imports, found.computed = found.imports + 1, False
            return
        message = f"loading this imports a module by name: {describe(machine, made)}"
        yield from self.say("ART-002", made.offset, made.callee_name, message)

    def _changer(self, machine: Machine, made: Made) -> Iterator[Event]:
        """A class or a function changed by a call, as a change of it without one would be."""
        given = machine.arguments(made.args) or ()
        if len(given) > 1 and isinstance(given[0], Global):
            yield from self.judge_change(machine, Change(given[0], given[1:], "setattr", made.offset))

    def _carried(self, machine: Machine, made: Made, verdict: Verdict) -> Iterator[Event]:
        """Code or another pickle inside this one: bytes that a loader is handed are read like a file."""
        limits = self.subject.limits
        loads = made.callee_name.endswith(_LOADERS)
        # Whatever else rebuilds code is handed bytes that are code, not a pickle.
        unpacks = loads or verdict.kind is Kind.SINK
        data = _bytes_of(machine, made.args, limits.text_bytes, texts=loads) if unpacks else None
        if data is not None:
            self.subject.budget.spend_member()
            yield Derived(
                _format_of(data), data, self.subject.where.inside(f"bytes at {made.offset}").at(offset=0)
            )
            if made.callee_name == "torch.storage._load_from_bytes":
                return  # how a tensor pickles itself
        elif verdict.kind is Kind.SINK or loads:
            verdict = Verdict(Kind.SINK, verdict.capability or _LOADS)
            yield from self._sink_call(machine, made, verdict, constructs=False)
            return
        what = "another pickle" if data is not None else "code"
        message = f"loading this rebuilds {what} that the file carries: {describe(machine, made)}"
        yield from self.say("ART-002", made.offset, made.callee_name, message)

    def _unpacked(self, machine: Machine, made: Made, place: int) -> Iterator[Event]:
        """A pickle that is the argument of a function which loads it: read like a file of its own."""
        given = machine.arguments(made.args) or ()
        data = _bytes_of(machine, given[place : place + 1], self.subject.limits.text_bytes, texts=False)
        if data is None:
            yield from self._unknown_call(machine, made, made.callee_name)
            return
        self.subject.budget.spend_member()
        where = self.subject.where.inside(f"bytes at {made.offset}").at(offset=0)
        yield Derived(_format_of(data), data, where)

    def _honest(self, machine: Machine, made: Made, verdict: Verdict, *, constructs: bool) -> Iterator[Event]:
        path = made.callee_name
        given = machine.arguments(made.args) or ()
        if path == "builtins.type" and len(given) == 1:
            return  # only asks what something is
        if path == "builtins.iter" and len(given) > 1:
            yield from self._unknown_call(machine, made, path)  # calls its first argument, again and again
        elif path in ("_codecs.encode", "codecs.encode"):
            encoding = machine.text(given[1]) if len(given) > 1 else "utf-8"
            if encoding is None or encoding.lower() not in _PLAIN_CODECS:
                yield from self._unknown_call(machine, made, path)
        elif self._is_applied_now(path, given) or (
            not constructs and verdict.use != "call" and made.args != ()
        ):
            yield from self._unknown_call(machine, made, path)

    def _unknown_call(self, machine: Machine, made: Made, path: str) -> Iterator[Event]:
        if self.is_told("ART-002", path):
            return
        message = f"loading this calls {describe(machine, made)}, which nobody vouches for"
        yield from self.say("ART-002", made.offset, path, message, factors(evidence="indicated"))

    def _hidden_call(self, machine: Machine, made: Made, path: str) -> Iterator[Event]:
        message = f"loading this calls a name that the file hides: {describe(machine, made)}"
        measured = factors(exploitation="poc", evidence="indicated")
        yield from self.say("ART-001", made.offset, path, message, measured)

    def judge_change(self, machine: Machine, change: Change) -> Iterator[Event]:
        """What is wrong with a change of something that the stream did not make."""
        target = change.target
        if isinstance(target, Made):
            yield from self._judge_file(machine, target, change)
        if not isinstance(target, Global):
            return  # its own object: judged by the call that made it
        path = target.path
        self.called.add(path)
        # A class takes no items and its attributes only as slots: without those the load merely fails.
        planted = (
            any(isinstance(part, Fresh) and part.references for part in change.items[0])
            if isinstance(change.items[0], tuple)
            else False
        )
        sink = target.module is not None and self.classify(target).kind is Kind.SINK
        rule = "ART-001" if sink or planted else "ART-002"
        if self.is_told(rule, path):
            target.quiet |= Quiet.CHANGE | (Quiet.SLOTS if rule == "ART-001" else 0)
            return
        items = describe(machine, change.items if len(change.items) > 1 else change.items[0])
        message = f"loading this changes {path}, which it did not make: {change.how} {items}"
        yield from self.say(rule, change.offset, path, message)

    def _judge_file(self, machine: Machine, target: Made, change: Change) -> Iterator[Event]:
        """joblib's old wrappers load the file that they name, pickles in it too: one beside their own."""
        callee = target.callee
        if not isinstance(callee, Global):
            return
        if callee.name not in arrays.FILE_WRAPPERS:
            if not callee.raw:
                callee.quiet |= Quiet.FILL  # judged by the call that made it
            return
        if change.how != "build":
            return
        state = arrays.entries(machine, change.items[0])
        named = machine.text(state["filename"]) if "filename" in state else None
        if named is None or any(mark in named for mark in _OUT_OF_THE_FOLDER):
            message = f"loading this has joblib load a file from elsewhere: {named or 'a computed name'}"
            yield from self.say("ART-002", change.offset, callee.path, message, factors(evidence="confirmed"))

    # --- saying it ----------------------------------------------------------------------------------------

    def say(
        self, rule: str, offset: int, subject: str, message: str, measured: Factors = ()
    ) -> Iterator[Event]:
        self.is_clean = False
        key = (rule, subject)
        self._said[key] = self._said.get(key, 0) + 1
        if self._said[key] <= _EACH:
            limit = self.subject.limits.message_chars
            where = self.subject.where.at(offset=offset)
            yield Evidence(rule, where, visible(message, limit=limit), visible(subject, limit=200), measured)

    def is_told(self, rule: str, subject: str) -> bool:
        """Whether enough was said by a rule of one name; what is over is not said."""
        return self._said.get((rule, subject), 0) >= _EACH

    def classify(self, name: Global) -> Verdict:
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
            if isinstance(value, Global) and value.module is not None and value.path not in TRANSPARENT:
                kind = self.classify(value).kind
                if names.imported_by_text(value.path) is not None:
                    return value
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
            and self.classify(value).kind is Kind.HONEST
            for value in handed
        )

    def _is_applied_now(self, path: str, given: tuple[Value, ...]) -> bool:
        """Whether the function calls an argument at once that nobody vouches for."""
        return (path not in _LATER and names.is_applier(path)) and any(
            isinstance(value, Global)
            and value.module is not None
            and self.classify(value).kind in (Kind.UNKNOWN, Kind.STDLIB)
            for value in given
        )


def _could_be_class(name: Global) -> bool:
    """Whether the name is spelled as classes are.

    INST and OBJ make an instance of a class without a call of it; anything else they do call.
    """
    return name.name.rpartition(".")[2].lstrip("_")[:1].isupper()


def _fill_of(name: Global) -> int:
    """FILL, unless what fills those objects says which file is loaded too."""
    return 0 if name.name in arrays.FILE_WRAPPERS else Quiet.FILL


def _base(made: Made) -> str:
    """The name at the bottom of a chain of calls of results."""
    value: Value = made
    for _ in range(_CHAIN):
        if not isinstance(value, Made):
            break
        value = value.callee
    return value.path if isinstance(value, Global) else _DEEP


def _is_resolved(machine: Calls, args: Value) -> bool:
    """Whether every argument is known."""
    given = machine.arguments(args)
    return given is not None and all(not isinstance(value, Made | Persistent) for value in given)


def _bytes_of(machine: Calls, args: Value, limit: int, *, texts: bool) -> bytes | None:
    """The bytes that a loader is handed, bare or in BytesIO; ``texts`` that spell bytes count too."""
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
        if not isinstance(first, Made) or not first.callee_name.endswith(("BytesIO", "encode", *_UNPACKERS)):
            return None
        given, texts = machine.arguments(first.args), True
    return None


def _format_of(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        return "zip"
    if data.startswith(_PACKED):
        return "compressed"
    if data.startswith(b"\x93NUMPY"):
        return "numpy"
    if data[:1] == b"\x78" and int.from_bytes(data[:2], "big") % 31 == 0:
        return "zlib"
    return "pytorch-legacy" if b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in data[:32] else "pickle"
