"""JSON of the scanned tree: plain data, or an error that says why not."""

import json
from typing import cast

from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.text import visible

Object = dict[str, object]


def load(data: bytes) -> object:
    """The document. Raises Malformed where it is none, LimitReached where it nests too deep to be read."""
    try:
        return cast("object", json.loads(data))
    except RecursionError as error:
        raise LimitReached("nesting", allowed=Limits().nesting) from error
    except json.JSONDecodeError as error:
        raise Malformed("json", line=error.lineno, found=visible(error.msg, limit=120)) from error
    except ValueError as error:  # no UTF-8, or a number of thousands of digits
        raise Malformed("json", found=visible(str(error), limit=120)) from error


def mapping(value: object) -> Object:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[object]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The value where it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """The value where it is a number of bytes."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
