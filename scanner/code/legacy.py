"""Names of the hub without an owner: those that it kept from before it had owners, and no others.

Nobody can make a new one, so that any other name without an owner is a folder, or a name of somebody else.
Law: the hub's documentation, "Repositories: getting started" (a repository's name is ``owner/name``);
transformers' documentation of its early releases, "Pretrained models" (the names themselves).
"""

import json
from functools import cache
from pathlib import Path

from scanner.code.apis import Api

# These put an owner of their own before a name that has none.
_COMPLETING = frozenset({"sentence-transformers", "faster-whisper"})


@cache
def _names() -> frozenset[str]:
    return frozenset(json.loads(Path(__file__).with_suffix(".json").read_bytes())["names"])


def may_be_of_the_hub(name: str, api: Api) -> bool:
    """Whether a model of this name can be on the hub, as the library of ``api`` asks for it."""
    return "/" in name or api.library in _COMPLETING or name.lower() in _names()
