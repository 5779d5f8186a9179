"""Names of the hub without an owner: those that it kept from before it had owners, and no others.

Nobody can make a new one, so that any other name without an owner is a folder, or a name of somebody else.
Law: the hub's documentation, "Repositories: getting started" (a repository's name is ``owner/name``);
transformers' documentation of its early releases, "Pretrained models" (the names themselves).
"""

import json
from functools import cache
from pathlib import Path

from scanner.code.apis import Api

# What programs call the folders that they keep models and data in. Somebody may own such a name on the hub.
_FOLDERS = frozenset(
    {
        *("artifacts", "assets", "cache", "checkpoint", "checkpoints", "ckpt", "ckpts", "data", "dataset"),
        *("exp", "experiments", "local", "logs", "model", "models", "out", "output", "outputs", "pretrained"),
        *("pretrained_models", "results", "runs", "save", "saved", "saved_model", "saved_models", "tmp"),
        *("trained_models", "weights", "work_dirs"),
    }
)
# These put an owner of their own before a name that has none.
_COMPLETING = frozenset({"sentence-transformers", "faster-whisper"})


@cache
def _names() -> frozenset[str]:
    return frozenset(json.loads(Path(__file__).with_suffix(".json").read_bytes())["names"])


def is_folder(name: str) -> bool:
    """Whether a name in two parts is most likely a path, as programs keep their files."""
    return name.partition("/")[0].lower() in _FOLDERS


def may_be_of_the_hub(name: str, api: Api) -> bool:
    """Whether a model of this name can be on the hub, as the library of ``api`` asks for it."""
    return ("/" in name and not is_folder(name)) or api.library in _COMPLETING or name.lower() in _names()
