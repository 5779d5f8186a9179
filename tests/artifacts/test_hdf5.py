"""HDF5: what loaders of Keras, pandas or PyTables take from it, and each structure that leads there."""

import base64
import gzip
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import hdf5
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.examine import Ended, Found, Step, examine
from scanner.files.source import BytesSource
from scanner.limits import MIB, Budget, Limits
from scanner.model import Event, Evidence, Outcome, Subject
from scanner.readers.hdf5 import Dataset, Group, Link, walk
from tests import forge
from tests.forge_hdf5 import (
    MAGIC,
    Hdf5,
    attribute,
    dataset,
    external_link,
    link,
    message,
    of,
    shape,
    soft_link,
    text_type,
)

DATA = Path(__file__).parents[1] / "data" / "hdf5"
BROKEN = MAGIC + bytes(88)


def written(name: str) -> bytes:
    return gzip.decompress(base64.b64decode((DATA / f"{name}.h5.gz.b64").read_bytes()))


def config(*names: str) -> bytes:
    layers = [{"class_name": name, "config": {"name": name.lower()}} for name in names]
    return json.dumps({"class_name": "Sequential", "config": {"name": "ü", "layers": layers}}).encode()


def steps(data: bytes, name: str = "m.h5") -> list[Step]:
    return list(examine(BytesSource(data), Location(name), name, Limits()))


def evidence(data: bytes, name: str = "m.h5") -> list[Evidence]:
    items = [step.item for step in steps(data, name) if isinstance(step, Found)]
    return [item for item in items if isinstance(item, Evidence)]


def rules(data: bytes, name: str = "m.h5") -> list[str]:
    return [item.rule for item in evidence(data, name)]


def outcome(data: bytes) -> Outcome:
    return [step.outcome for step in steps(data) if isinstance(step, Ended)][-1]


def effect(item: Evidence) -> str:
    return dict(item.factors)["effect"].value


@pytest.mark.parametrize("name", ["honest-earliest", "honest-v108", "honest-latest"])
def test_what_the_library_writes_is_read_to_its_end_in_every_form(name: str) -> None:
    data = written(name)
    assert (rules(data), outcome(data)) == ([], Outcome.INSPECTED)
    items = list(walk(BytesSource(data)))
    assert sum(isinstance(item, Group) for item in items) == 65
    assert [item.target for item in items if isinstance(item, Link)] == ["/model_weights"]
    objects = [item for item in items if isinstance(item, Group | Dataset)]
    assert sum(len(item.attributes) for item in objects) == 34
    facts = [step.item for step in steps(data) if isinstance(step, Found)]
    for fact in (
        Fact(FactName.FRAMEWORK, "Keras"),
        Fact(FactName.FRAMEWORK_VERSION, "2.12.0"),
        Fact(FactName.ARCHITECTURE, "Sequential"),
        Fact(FactName.TENSORS, 2),
        Fact(FactName.PARAMETERS, 5),
        Fact(FactName.DTYPES, "F16, F32"),
    ):
        assert fact in facts


@pytest.mark.parametrize("name", ["outside-earliest", "outside-latest"])
def test_data_outside_is_named_in_every_form(name: str) -> None:
    found = evidence(written(name))
    assert {item.rule for item in found} == {"ART-021"}
    assert {"/etc/other.h5", "/etc/passwd"} <= {item.subject.partition(":")[2] for item in found}


@pytest.mark.parametrize("name", ["rows-pytables", "rows-pandas"])
def test_rows_that_the_library_unpickles_are_read_as_pickles(name: str) -> None:
    assert set(rules(written(name))) == {"ART-003"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(of(), id="an empty file"),
        pytest.param(of(attribute("note", b"{not json"), attribute("title", b"c os")), id="texts"),
        pytest.param(of(soft_link("a", "/b")), id="a link inside"),
        pytest.param(of(attribute("model_config", config("Dense"))), id="a model"),
        pytest.param(of(attribute("d", b"{}")), id="an empty object"),
    ],
)
def test_honest_files_give_no_evidence(data: bytes) -> None:
    assert (rules(data), outcome(data)) == ([], Outcome.INSPECTED)


def placed(where: str, value: bytes) -> bytes:
    """A configuration in an attribute that lies in one way or another."""
    file = Hdf5(512 if where == "behind a user block" else 0)
    if where == "in a continued header":
        inside = attribute("model_config", value)
        at = file.put(b"OCHK" + inside + bytes(4))
        return file.whole(file.add(message(16, struct.pack("<QQ", at, len(inside) + 8))))
    if where == "below the root":
        return file.whole(file.add(link("m", file.add(attribute("model_config", value)))))
    if where == "in the global heap":
        at = file.collection(b"x", value)
        kind = b"\x19\x01\0\0" + struct.pack("<I", 16) + text_type(1)
        return file.whole(file.add(attribute("model_config", struct.pack("<IQI", len(value), at, 2), kind)))
    if where == "among several texts":
        size = len(value) + 3
        data = b"a".ljust(size, b"\0") + value.ljust(size, b"\0")
        return file.whole(file.add(attribute("configurations", data, text_type(size), shape(2))))
    return file.whole(file.add(attribute("model_config", value)))


@pytest.mark.parametrize(
    "where",
    [
        "at the root",
        "behind a user block",
        "in a continued header",
        "below the root",
        "in the global heap",
        "among several texts",
    ],
)
def test_a_lambda_is_found_wherever_it_lies(where: str) -> None:
    assert rules(placed(where, config("Dense", "Lambda"))) == ["ART-008"]


def test_the_configuration_of_the_training_is_judged_too() -> None:
    loss = {"loss": {"class_name": "function", "module": "os", "config": "system"}}
    assert rules(of(attribute("training_config", json.dumps(loss).encode()))) == ["ART-008"]


def test_a_text_that_pytables_would_unpickle_is_read_as_a_pickle() -> None:
    data = forge.stream(forge.call("os.system", "id"), protocol=0)
    assert "ART-001" in rules(of(attribute("non_index_axes", data)))


def test_rows_that_run_something_are_read_as_pickles() -> None:
    file = Hdf5()
    file.collection(b"plain", forge.stream(forge.call("os.system", "id")))
    data = file.whole(file.add(attribute("PSEUDOATOM", b"object")))
    assert "ART-001" in rules(data)


def outside(kind: str, target: str) -> bytes:
    file = Hdf5()
    if kind == "link":
        return file.whole(file.add(external_link("w", target)))
    if kind == "data":
        return file.whole(file.add(link("d", file.add(dataset(file.outside("near.bin", target))))))
    more = message(1, shape(2)), file.virtual(".", "near.h5", target)
    return file.whole(file.add(link("d", file.add(*more))))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "C:\\x", "s3://bucket/x", "\\\\host\\x", ".."])
@pytest.mark.parametrize("kind", ["link", "data", "virtual"])
def test_data_in_files_outside_the_folder_is_named(kind: str, target: str) -> None:
    found = [item for item in evidence(outside(kind, target)) if target in item.message]
    assert [(item.rule, effect(item)) for item in found] == [("ART-021", "partial")]


def test_files_beside_measurements_are_usual_and_beside_weights_are_not() -> None:
    data = outside("link", "run2.h5")
    assert [effect(item) for item in evidence(data)] == ["weakens"]
    assert [effect(item) for item in evidence(data, "model.weights.h5")] == ["partial"]


def test_layers_that_only_one_side_knows_are_named() -> None:
    names = attribute("layer_names", b"dense\0\0other\0\0", text_type(7), shape(2))
    (item,) = evidence(of(attribute("model_config", config("Dense", "InputLayer", "Conv2D")), names))
    assert item.rule == "ART-013"
    assert "conv2d only in the configuration; other only among the weights" in item.message


def test_objects_that_hold_themselves_end() -> None:
    file = Hdf5()
    root = len(file.body)
    assert file.add(link("me", root), link("again", root)) == root
    assert outcome(file.whole(root)) is Outcome.INSPECTED


def with_old_group(tree: bytes) -> bytes:
    """A root whose names lie in an old tree, at an address that the tree may name."""
    file = Hdf5()
    heap, _ = file.heap("name")
    at = file.put(tree)
    return file.whole(
        file.add(message(17, struct.pack("<QQ", at, heap)), attribute("model_config", config("Lambda")))
    )


SELF = 48 + 8 + 32  # where the tree of ``with_old_group`` lies


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(
            b"TREE\0\x01" + struct.pack("<HQQQQQ", 1, 0, 0, 0, SELF, 0), id="a node that is its own child"
        ),
        pytest.param(b"TREE\x01\0" + bytes(40), id="a node of another tree"),
        pytest.param(b"TREE\0\0\xff\xff" + bytes(40), id="more entries than there are bytes"),
        pytest.param(b"what", id="no tree"),
    ],
)
def test_what_is_not_followed_is_said_and_what_was_read_is_kept(tree: bytes) -> None:
    data = with_old_group(tree)
    assert (set(rules(data)), outcome(data)) == ({"ART-008", "COV-001"}, Outcome.RECOGNISED)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(BROKEN + config("Lambda"), id="at the head"),
        pytest.param(BROKEN + bytes(9 * MIB) + config("Lambda") + bytes(10), id="far behind"),
        pytest.param(BROKEN + bytes(4 * MIB - 100) + config("Lambda"), id="over the edge of a window"),
        pytest.param(BROKEN + config("Dense") + b"\0" + config("Lambda"), id="behind an honest one"),
        pytest.param(BROKEN + b'{"never": "closed' + config("Lambda"), id="behind an object never closed"),
        pytest.param(BROKEN + config("Lambda").replace(b"{", b"{ \n "), id="with blanks"),
        pytest.param(BROKEN + b"\xff" + config("Lambda") + b"\xff", id="between bytes that are no text"),
        pytest.param(bytes(512) + BROKEN + config("Lambda"), id="behind a user block"),
    ],
)
def test_a_lambda_in_a_file_whose_structure_is_broken_is_found_by_a_search(data: bytes) -> None:
    assert set(rules(data)) == {"ART-008", "ART-013"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", Malformed, id="empty"),
        pytest.param(b"text", Malformed, id="no HDF5"),
        pytest.param(BROKEN, Malformed, id="no widths"),
        pytest.param(MAGIC + b"\x09" + bytes(90), Malformed, id="a superblock of no version"),
        pytest.param(of()[:60], Malformed, id="cut"),
        pytest.param(of(external_link("x", "y", kind=1))[:70], Malformed, id="cut in the root"),
        pytest.param(BROKEN + b'{"a": ' * 5000, LimitReached, id="nested past any model"),
        pytest.param(BROKEN + b'{"a": "\0' * 5000, LimitReached, id="a flood of beginnings"),
        pytest.param(BROKEN + b'{"a": "' * 5000 + b"x" * (20 * MIB), LimitReached, id="ends that never come"),
        pytest.param(of(message(12, b"\x09")), PartlyRead, id="an attribute of no version"),
        pytest.param(of(message(6, b"\x09")), PartlyRead, id="a link of no version"),
        pytest.param(of(attribute("model_config", b"{")), PartlyRead, id="a configuration that breaks off"),
        pytest.param(of(message(2, b"\0\0" + struct.pack("<QQ", 48, 48))), PartlyRead, id="names in no heap"),
    ],
)
def test_broken_files_end_in_an_outcome(data: bytes, error: type[Exception]) -> None:
    limits = Limits()
    with pytest.raises(error):
        list(hdf5.inspect(Subject(BytesSource(data), Location("m.h5"), "m.h5", limits, Budget(limits))))


def read(data: bytes) -> list[Event]:
    limits = Limits()
    return list(hdf5.inspect(Subject(BytesSource(data), Location("m.h5"), "m.h5", limits, Budget(limits))))


WHOLE = {name: written(name) for name in ("honest-earliest", "honest-latest", "outside-latest")}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 30_000), st.integers(0, 255), st.booleans())
def test_any_flip_or_cut_ends_in_an_outcome(name: str, at: int, value: int, cut: bool) -> None:
    whole = WHOLE[name]
    at %= len(whole)
    data = whole[:at] if cut else whole[:at] + bytes([value]) + whole[at + 1 :]
    try:
        found = read(data)
    except (Malformed, LimitReached, PartlyRead):
        return
    assert found is not None


def test_a_configuration_too_large_for_a_block_is_followed() -> None:
    data = written("large-attribute")
    assert (rules(data), outcome(data)) == (["ART-008"], Outcome.INSPECTED)
