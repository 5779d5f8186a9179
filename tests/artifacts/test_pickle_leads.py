"""Names that a pickle reaches by a text or through a function that real models hold."""

import pytest

from sbom.model import Location
from scanner.artifacts import pickle
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Evidence, Subject
from tests.forge import call, literal, name, stream

IMPORT = name("dill._dill", "_import_module")


def told(*parts: bytes) -> dict[str, str]:
    """The subject of each finding, by rule."""
    limits = Limits()
    subject = Subject(BytesSource(stream(*parts)), Location("m.pkl"), "m.pkl", limits, Budget(limits))
    return {event.rule: event.subject for event in pickle.inspect(subject) if isinstance(event, Evidence)}


def calls(path: str, *args: bytes) -> bytes:
    """A call with arguments that are opcodes."""
    module, _, qualname = path.rpartition(".")
    return name(module, qualname) + b"(" + b"".join(args) + b"tR"


@pytest.mark.parametrize(
    ("data", "subject"),
    [
        pytest.param(call("cloudpickle.cloudpickle.subimport", "mine"), "mine", id="cloudpickle"),
        pytest.param(call("dill._dill._import_module", "mine.Net"), "mine.Net", id="dill"),
        pytest.param(call("numpy.core._ufunc_reconstruct", "mine", "net"), "mine.net", id="numpy"),
        pytest.param(
            call("dill._dill._create_namedtuple", "Point", ("x",), "mine"), "mine.Point", id="a named tuple"
        ),
    ],
)
def test_a_module_imported_by_a_text_is_judged_as_if_it_had_been_named(data: bytes, subject: str) -> None:
    assert told(data) == {"ART-016": subject}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(call("cloudpickle.cloudpickle.subimport", "numpy"), id="a module"),
        pytest.param(call("numpy.core._ufunc_reconstruct", "numpy", "dtype"), id="a name of one"),
        pytest.param(call("numpy.core._ufunc_reconstruct"), id="a call that fails"),
        pytest.param(calls("functools.partial", name("numpy", "dtype")), id="a partial"),
        pytest.param(
            calls("numpy.random._pickle.__generator_ctor", literal("PCG64"))
            + b"0"
            + calls("numpy.random._pickle.__bit_generator_ctor", literal("PCG64")),
            id="a generator",
        ),
    ],
)
def test_what_real_models_hold_stays_quiet(data: bytes) -> None:
    found = told(data)
    assert not set(found) & {"ART-001", "ART-002"}


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(call("numpy.core._ufunc_reconstruct", "os", "system"), "ART-002", id="taken by numpy"),
        pytest.param(
            call("dill._dill._create_namedtuple", "system", ("x",), "os"), "ART-002", id="a named tuple"
        ),
        pytest.param(
            calls("builtins.map", IMPORT, literal(["os.system"])), "ART-001", id="an importer, mapped"
        ),
        pytest.param(
            calls("functools.partial", IMPORT, literal("os.system")), "ART-001", id="an importer, for later"
        ),
        pytest.param(
            calls("numpy.random._pickle.__generator_ctor", literal("os.system"), IMPORT),
            "ART-001",
            id="an importer that numpy calls",
        ),
        pytest.param(
            calls("dill._dill._create_array", IMPORT, literal(("os.system",)), b"N"),
            "ART-001",
            id="an importer that dill calls",
        ),
        pytest.param(
            calls("numpy.random._pickle.__generator_ctor", literal("id"), name("mine", "run")),
            "ART-002",
            id="an unknown function that numpy calls",
        ),
        pytest.param(
            calls("dill._dill._create_array", name("mine", "run"), literal(("id",)), b"N"),
            "ART-002",
            id="an unknown function that dill calls",
        ),
        pytest.param(
            calls(
                "cloudpickle.cloudpickle._class_setstate",
                name("torch", "Tensor"),
                b"}(" + literal("__add__") + name("mine", "run") + b"u}\x86",
            ),
            "ART-001",
            id="a method planted on somebody's class",
        ),
        pytest.param(
            calls(
                "cloudpickle.cloudpickle._function_setstate", name("numpy", "array"), literal(({"a": 1}, {}))
            ),
            "ART-002",
            id="somebody's function changed",
        ),
    ],
)
def test_honest_names_used_to_reach_others_are_told(data: bytes, rule: str) -> None:
    assert rule in told(data)
