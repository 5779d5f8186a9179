"""JSON of an artifact, parsed within the limits."""

import json
import re

from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.model import Source
from scanner.text import visible

_DEPTH = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


def load(source: Source, limits: Limits) -> object:
    """The value. Raises Malformed for broken JSON, LimitReached past ``text_bytes`` or ``nesting``."""
    if source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=source.size)
    return parse(source.read_at(0, source.size), limits.nesting)


def parse(data: bytes, nesting: int) -> object:
    """The value. Raises Malformed for broken JSON, LimitReached where brackets nest deeper than that."""
    depth = 0
    for found in _DEPTH.finditer(data):
        depth += (found[0] in b"[{") - (found[0] in b"]}")
        if depth > nesting:
            raise LimitReached("nesting", allowed=nesting, offset=found.start())
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("json", found=visible(str(error), limit=120), wanted="JSON") from error
    return value
