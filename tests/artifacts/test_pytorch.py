from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import pytorch
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Evidence, Subject
from tests.forge import (
    LEGACY_MAGIC,
    archive,
    call,
    literal,
    name,
    state_dict,
    stream,
    tensor,
    torch_legacy,
    torch_zip,
)

Inspector = Callable[[Subject], Iterator[Event]]


def events_of(
    data: bytes, inspect: Inspector = pytorch.inspect_legacy, *, by_suffix: bool = False
) -> tuple[list[Event], ScanError | None]:
    limits = Limits()
    subject = Subject(
        BytesSource(data), Location("m.pt"), "m.pt", limits, Budget(limits), claimed_by_suffix=by_suffix
    )
    events: list[Event] = []
    try:
        for event in inspect(subject):
            events.append(event)  # noqa: PERF402  (what came before the raise is the point)
    except ScanError as error:
        return events, error
    return events, None


def facts_of(events: list[Event]) -> dict[FactName, object]:
    return {event.name: event.value for event in events if isinstance(event, Fact)}


def rules_of(events: list[Event]) -> set[str]:
    return {event.rule for event in events if isinstance(event, Evidence)}


WEIGHTS = state_dict(
    {"w": tensor("0", [2, 3]), "tied": tensor("0", [2, 3]), "b": tensor("1", [3], "HalfStorage")}
)
STORAGES = {"0": bytes(24), "1": bytes(6)}
LEGACY = torch_legacy(WEIGHTS, STORAGES)


def test_a_legacy_checkpoint_is_known_names_only_and_its_tensors_are_counted_once() -> None:
    events, error = events_of(LEGACY)
    assert error is None
    assert rules_of(events) == {"ART-003"}
    facts = facts_of(events)
    assert facts[FactName.TENSORS] == 3
    assert facts[FactName.PARAMETERS] == 9
    assert facts[FactName.DTYPES] == "float16, float32"
    assert facts[FactName.FRAMEWORK] == "PyTorch"


HOSTILE = stream(call("os.system", "id"), protocol=2)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(torch_legacy(HOSTILE, {}), id="in the object"),
        pytest.param(
            LEGACY_MAGIC + stream(call("os.system", "id"), b"0M\xe9\x03", protocol=2), id="in the protocol"
        ),
        pytest.param(
            LEGACY_MAGIC
            + stream(b"M\xe9\x03")
            + stream(b"}")
            + WEIGHTS
            + stream(call("os.system", "id"), b"0]"),
            id="in the storage keys",
        ),
        pytest.param(
            torch_legacy(state_dict({"w": name("os", "system") + literal(("id",)) + b"R"}), {}),
            id="as a tensor",
        ),
        pytest.param(
            torch_legacy(
                stream(
                    name("torch._tensor", "_rebuild_from_type_v2"),
                    b"(",
                    name("os", "system"),
                    name("torch", "Tensor"),
                    literal(("id",)),
                    b"NtR",
                ),
                {},
            ),
            id="by a rebuild that calls what it is handed",
        ),
        pytest.param(
            torch_legacy(stream(b"(", literal("storage"), call("os.system", "id"), literal("0"), b"tQ"), {}),
            id="in a persistent id",
        ),
    ],
)
def test_a_call_in_any_of_the_five_pickles_is_caught(data: bytes) -> None:
    events, _ = events_of(data)
    found = [event for event in events if isinstance(event, Evidence) and event.rule == "ART-001"]
    assert [event.subject for event in found] == ["os.system"]


def module(pickled_class: bytes) -> bytes:
    """A module as torch before 1.6 wrote it: its class by persistent id, with file and source."""
    named = b"(" + literal("module") + pickled_class + literal("net.py") + literal("class Net: ...") + b"tQ"
    return torch_legacy(stream(named, b")\x81", literal({"training": False}), b"b"), {})


def test_a_class_that_comes_with_its_source_is_just_that_class() -> None:
    events, error = events_of(module(name("torch.nn.modules.container", "Sequential")))
    assert error is None
    assert [event.rule for event in events if isinstance(event, Evidence)] == ["ART-003"]
    events, _ = events_of(module(name("net", "Net")))
    assert [event.rule for event in events if isinstance(event, Evidence)] == ["ART-016"]


def test_a_function_that_poses_as_a_class_with_its_source_is_called() -> None:
    named = b"(" + literal("module") + name("os", "system") + literal("") + literal("") + b"tQ"
    events, _ = events_of(torch_legacy(stream(named, literal(("id",)), b"R"), {}))
    assert [event.subject for event in events if isinstance(event, Evidence)] == ["os.system"]


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "truncated", id="empty file"),
        pytest.param(LEGACY_MAGIC, "legacy-streams", id="magic alone"),
        pytest.param(LEGACY_MAGIC + stream(b"M\xe9\x03"), "legacy-streams", id="two of five"),
        pytest.param(
            LEGACY_MAGIC + stream(b"M\xe9\x03") + stream(b"}") + WEIGHTS[:-9], "truncated", id="object cut"
        ),
        pytest.param(b"Hello", "unknown-opcode", id="a text"),
    ],
)
def test_broken_checkpoints_name_the_law_they_break(data: bytes, law: str) -> None:
    _, error = events_of(data)
    assert isinstance(error, Malformed)
    assert error.law == law


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, len(LEGACY)), flip=st.integers(0, len(LEGACY) * 8 - 1))
def test_any_damage_ends_in_events_or_a_named_law(cut: int, flip: int) -> None:
    damaged = bytearray(LEGACY)
    damaged[flip // 8] ^= 1 << flip % 8
    for data in (LEGACY[:cut], bytes(damaged)):
        _, error = events_of(data)
        assert error is None or isinstance(error, Malformed | LimitReached)


# --- archives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "framework"),
    [
        pytest.param({}, "PyTorch", id="checkpoint"),
        pytest.param(
            {"archive/code/__torch__.py": b"", "archive/constants.pkl": b"N."},
            "TorchScript",
            id="TorchScript",
        ),
        pytest.param(
            {"archive/.data/extern_modules": b"torch", "archive/.data/python_version": b"3.11"},
            "torch.package",
            id="package",
        ),
    ],
)
def test_the_kind_of_an_archive_follows_from_its_members(members: dict[str, bytes], framework: str) -> None:
    data = torch_zip(WEIGHTS, STORAGES)
    if members:
        data = archive(
            {"archive/data.pkl": WEIGHTS, "archive/data/0": bytes(24), "archive/data/1": bytes(6), **members}
        )
    events, error = events_of(data, pytorch.inspect_zip)
    assert error is None
    assert rules_of(events) == set()
    facts = facts_of(events)
    assert facts[FactName.FRAMEWORK] == framework


def test_an_archive_counts_the_tensors_of_its_pickle() -> None:
    events, error = events_of(torch_zip(WEIGHTS, STORAGES), pytorch.inspect_zip)
    assert error is None
    facts = facts_of(events)
    assert facts[FactName.TENSORS] == 3
    assert facts[FactName.PARAMETERS] == 9
    assert facts[FactName.DTYPES] == "float16, float32"


def test_a_zip_without_data_pkl_is_no_checkpoint() -> None:
    _, error = events_of(archive({"a/b": b"x"}), pytorch.inspect_zip)
    assert isinstance(error, Malformed)
    assert error.law == "data-pkl"


def test_a_broken_pickle_costs_the_archive_its_counts_only() -> None:
    events, error = events_of(torch_zip(WEIGHTS[:-20], STORAGES), pytorch.inspect_zip)
    assert error is None  # the member's own inspection says that it is broken
    assert facts_of(events)[FactName.FRAMEWORK] == "PyTorch"
