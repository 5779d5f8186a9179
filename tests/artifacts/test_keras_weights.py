"""Keras archives whose configuration and weights speak of different layers, or of the same."""

import io
import json
import zipfile

import pytest

from sbom.model import Location
from scanner.artifacts import keras_config
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Evidence, Subject
from tests.forge_hdf5 import Hdf5, dataset, link, shape

Folder = dict[str, "Folder | tuple[int, ...]"]
Json = dict[str, object]


def put(file: Hdf5, value: "Folder | tuple[int, ...]") -> int:
    """A folder of folders and of datasets, which are given by their sides."""
    if isinstance(value, tuple):
        return file.add(dataset(sides=shape(*value)))
    return file.add(*(link(name, put(file, inside)) for name, inside in value.items()))


def weights(folder: Folder, top: str = "layers") -> bytes:
    file = Hdf5()
    return file.whole(put(file, {top: folder}))


def layer(
    kind: str, name: str, module: str = "keras.layers", *, is_built: bool = True, **config: object
) -> Json:
    built = {"build_config": {"input_shape": [None, 4]}} if is_built else {}
    return {"class_name": kind, "module": module, "config": {"name": name, **config}, **built}


def model(*layers: Json, kind: str = "Sequential", name: str = "m") -> Json:
    return {"class_name": kind, "module": "keras", "config": {"name": name, "layers": list(layers)}}


def told(config: object, data: bytes) -> list[str]:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("metadata.json", "{}")
        out.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
        out.writestr("model.weights.h5", data)
    limits = Limits()
    subject = Subject(BytesSource(made.getvalue()), Location("m.keras"), "m.keras", limits, Budget(limits))
    found = [event for event in keras_config.inspect_archive(subject) if isinstance(event, Evidence)]
    assert {item.rule for item in found} <= {"ART-013"}
    return [item.message for item in found]


def variables(*sides: tuple[int, ...]) -> Folder:
    return {"vars": {str(at): each for at, each in enumerate(sides)}}


TWO = (layer("Dense", "first", units=3), layer("Dense", "second", units=2))
HELD: Folder = {"dense": variables((4, 3), (3,)), "dense_1": variables((3, 2), (2,))}
INNER = model(*TWO, kind="Functional", name="inner")


@pytest.mark.parametrize(
    ("config", "data"),
    [
        pytest.param(model(*TWO), weights(HELD), id="two of a class"),
        pytest.param(model(*TWO), weights(HELD, "_layer_checkpoint_dependencies"), id="as Keras 2 wrote"),
        pytest.param(
            model(layer("ReLU", "r"), *TWO), weights({"re_lu": {"vars": {}}, **HELD}), id="one without"
        ),
        pytest.param(model(INNER), weights({"functional": {"layers": HELD}}), id="a model in a model"),
        pytest.param(
            model(layer("Dense", "op", "keras.src.ops.core"), *TWO),
            weights(HELD),
            id="an operation is no layer",
        ),
        pytest.param(
            model(layer("Dense", "later", is_built=False, units=3)), weights({}), id="not built yet"
        ),
        pytest.param(
            model(layer("Dense", "d", units=8, quantization_mode="int4")),
            weights({"dense": variables((4, 4))}),
            id="packed",
        ),
        pytest.param(
            model(layer("Bidirectional", "b")),
            weights({"bidirectional": {"forward_layer": HELD}}),
            id="a wrapper",
        ),
        pytest.param({"class_name": "Mine", "config": {}}, weights(HELD), id="a model of its own class"),
        pytest.param(
            {"class_name": "Mine", "config": {"layers": [1, {"class_name": 3}]}},
            weights(HELD),
            id="lists of others",
        ),
        pytest.param(model(*TWO), b"no HDF5", id="weights that cannot be read"),
        pytest.param("{", weights(HELD), id="a configuration that cannot be read"),
    ],
)
def test_those_that_agree_or_cannot_be_compared_give_nothing(config: object, data: bytes) -> None:
    assert told(config, data) == []


@pytest.mark.parametrize(
    ("config", "data", "says"),
    [
        pytest.param(model(TWO[0]), weights(HELD), "dense_1 only among the weights", id="a layer taken out"),
        pytest.param(
            model(*TWO),
            weights({"dense": HELD["dense"]}),
            "second only in the configuration",
            id="weights taken out",
        ),
        pytest.param(model(*TWO), weights({}), "first, second only in the configuration", id="no weights"),
        pytest.param(
            model(*TWO),
            weights({**HELD, "backdoor": variables((1,))}),
            "backdoor only among the weights",
            id="weights put in",
        ),
        pytest.param(
            model(layer("Dense", "d", units=9)),
            weights({"dense": variables((4, 3))}),
            "d has 9 by the configuration and 3 by the weights",
            id="another size",
        ),
        pytest.param(
            model(INNER),
            weights({"functional": {"layers": {"dense": HELD["dense"]}}}),
            "second only in the configuration",
            id="in a model in a model",
        ),
        pytest.param(
            model(layer("Conv2D", "\x1b[2J", filters=1)),
            weights({}),
            "[2J only in the configuration",
            id="a name that draws",
        ),
    ],
)
def test_a_difference_is_told_with_the_layers(config: object, data: bytes, says: str) -> None:
    (message,) = told(config, data)
    assert says in message
    assert "\x1b" not in message


def test_models_in_models_end() -> None:
    config = model(layer("Dense", "d", units=3))
    for _ in range(25):
        config = model(config)
    assert told(config, weights(HELD)) == [
        "the layers of configuration and weights differ: dense, dense_1 only among the weights"
    ]
