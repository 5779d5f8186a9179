"""Regular expressions that are compiled when they are first used.

A pre-commit hook imports many readers and uses few of them: compiling the expressions of all took 30 of the
100 ms of a hook over one pickle (2026-11-24).
"""

import re
from typing import Any, AnyStr, cast


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, compiled when one of its methods or attributes is first asked for.

    It cannot be handed to the functions of ``re`` in the place of a pattern: call its own methods.
    A wrong expression raises ``re.error`` at that first use, and in the test that uses them all.
    """
    return cast("re.Pattern[AnyStr]", _Late(text, flags))


class _Late:
    def __init__(self, text: Any, flags: int) -> None:
        self._compiled_from = (text, flags)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # nobody's copy, pickle or comparison compiles anything
            raise AttributeError(name)
        # Each method becomes an attribute of this object: from the second use on, a call costs what it
        # costs on the expression itself.
        found = getattr(re.compile(*self._compiled_from), name)
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        text, flags = self._compiled_from
        return f"pattern({text!r}, {flags})"
