"""Writes the list of TensorFlow's own operators anew: run it where TensorFlow is installed.

    PYTHON_WITH_TENSORFLOW tools/gen_tensorflow_ops.py

Names that the list has and this TensorFlow has not any more are kept: older graphs hold them.
"""

import json
import re
import textwrap
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "scanner" / "artifacts" / "tensorflow_ops.json"


def registered() -> tuple[str, set[str]]:
    """TensorFlow's version and the name of every operator that it registers."""
    import tensorflow as tf  # type: ignore[import-not-found, unused-ignore]
    from tensorflow.core.framework import op_def_pb2  # type: ignore[import-not-found, unused-ignore]
    from tensorflow.python.client import pywrap_tf_session as api  # type: ignore[import-not-found, unused-ignore]

    ops = op_def_pb2.OpList()
    ops.ParseFromString(api.TF_GetBuffer(api.TF_GetAllOpList()))
    return tf.__version__, {op.name for op in ops.op}


def main() -> None:
    data = json.loads(DATA.read_text("utf-8"))
    version, names = registered()
    names |= {name for line in data["known"] for name in line.split()}
    data["tensorflow"] = version
    data["known"] = textwrap.wrap(" ".join(sorted(names)), 100, break_long_words=False)
    text = json.dumps(data, indent=1)
    # One operator a line, so that a difference can be read.
    text = re.sub(r"\[\s+([^\[\]]*?),\s+\[([^\[\]]*)\]\s+\]", _flat, text)
    DATA.write_text(text + "\n", "utf-8")


def _flat(found: re.Match[str]) -> str:
    head, operands = (re.sub(r"\s+", " ", found[at]).strip() for at in (1, 2))
    return f"[{head}, [{operands}]]"


if __name__ == "__main__":
    main()
