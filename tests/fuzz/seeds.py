"""Whole files of rows that no table of tests beside the inspectors holds as bytes."""

import json
import zlib

from tests.forge import archive, call, name, stream
from tests.forge_archives import torch_like
from tests.forge_arrow import Node, arrow_file, arrow_schema, column, message, pair, parquet
from tests.forge_hdf5 import Hdf5, dataset, link, shape

_CODE = b"""class Net(Module):
  __parameters__ = ["weight", ]
  weight : Tensor
  def forward(self: __torch__.Net, x: Tensor) -> Tensor:
    y = torch.addmm(self.weight, x, x)
    z = ops.torchvision.nms(y, y, 0.5)
    return torch.from_file("weights.bin", False, 4)
"""
_PICKLE = stream(call("collections.OrderedDict", (("a", 1),)))
_NODE = {"__module__": "builtins", "__class__": "str", "__loader__": "JsonNode", "content": '"a"'}


def _old_joblib(content: bytes) -> bytes:
    return b"ZF" + hex(len(content)).encode().ljust(19) + zlib.compress(content)


def _package() -> dict[str, bytes]:
    return {
        "p/.data/extern_modules": b"torch\nnumpy\n",
        "p/.data/python_version": b"3.11.7",
        "p/.data/version": b"6\n",
        "p/net/__init__.py": b"import os\n\ndef run():\n    os.system('echo')\n",
        "p/model/model.pkl": stream(name("net", "Net") + b")\x81"),
    }


def _skops(**more: object) -> bytes:
    inside = {
        "__module__": "builtins",
        "__class__": "dict",
        "__loader__": "DictNode",
        "content": {"C": _NODE},
    }
    tree = {
        "__module__": "sklearn.linear_model._logistic",
        "__class__": "LogisticRegression",
        "__loader__": "ObjectNode",
        "content": inside,
        "protocol": 2,
        "_skops_version": "0.11",
        **more,
    }
    return archive({"schema.json": json.dumps(tree).encode(), "1.npy": b"\x93NUMPY\x01\x00" + bytes(120)})


def _keras() -> bytes:
    layer = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 3}}
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [layer, layer]}}
    file = Hdf5()
    kept = file.add(link("0", file.add(dataset(sides=shape(4, 3)))))
    layers = file.add(link("dense", file.add(link("vars", kept))))
    return archive(
        {
            "metadata.json": b'{"keras_version": "3.4.1"}',
            "config.json": json.dumps(model).encode(),
            "model.weights.h5": file.whole(file.add(link("layers", layers))),
        }
    )


def _pickled_column() -> Node:
    names = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": _PICKLE}
    return column(b"a", names)


def more() -> dict[str, list[bytes]]:
    """Files by the row that reads them."""
    script = archive({"m/data.pkl": _PICKLE, "m/code/__torch__.py": _CODE, "m/constants.pkl": _PICKLE})
    pickled = _pickled_column()
    schema = pair(b"ARROW:schema", arrow_schema(pickled, column(b"list", None, pickled)))
    return {
        "arrow": [arrow_file(pickled), message(column(b"list", None, pickled)) + bytes(8)],
        "joblib-old": [_old_joblib(_PICKLE), _old_joblib(bytes(200))],
        "keras": [_keras()],
        "parquet": [parquet(schema), parquet(schema, pair(b"dataset-toolkit.unischema.v1", _PICKLE))],
        "native-library": [b"\x7fELF" + bytes(300), b"MZ" + bytes(400)],
        "pytorch-shard": [torch_like(_PICKLE) * 2, torch_like(_PICKLE) + script],
        "pytorch-zip": [script, torch_like(_PICKLE)],
        "skops": [_skops(), _skops(content=[_NODE, {"__loader__": "MethodNode", "func": "run"}])],
        "torch-package": [archive(_package())],
        "torchscript-code": [_CODE, _CODE * 3],
    }
