"""Every pair in a tree of which one file is to be the same as another, or was made from it, compared.

One model in two formats, an adapter or a quantisation and its base, the files of one tokenizer. Loaders take
one of them, people and scanners may look at the other; whoever swaps one is seen only by comparing.
"""

import posixpath
from collections.abc import Iterator
from pathlib import Path

from scanner.limits import Limits
from scanner.model import Evidence
from scanner.pairs.shelf import Shelf
from scanner.survey import Survey

_TOKENIZER = frozenset(
    {
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template.jinja",
        "chat_template.json",
    }
)


def check(seen: Survey, root: Path, limits: Limits) -> Iterator[Evidence]:
    """ORG-006, WGT-005 and WGT-006 for each pair that does not fit.

    ``seen`` takes what is to be told of pairs that were recognised and not, or not wholly, compared.
    """
    shelf = Shelf(seen, root, limits)
    formats = set(shelf.formats.values())
    names = {posixpath.basename(path) for path in shelf.paths}
    if "safetensors" in formats:
        from scanner.pairs import twins

        yield from twins.check(shelf)
    if "adapter_config.json" in names:
        from scanner.pairs import adapters

        yield from adapters.check(shelf)
    if formats & {"gguf", "safetensors"}:
        from scanner.pairs import quantised

        yield from quantised.check(shelf)
    if names & _TOKENIZER:
        from scanner.pairs import tokenizers

        yield from tokenizers.check(shelf)
