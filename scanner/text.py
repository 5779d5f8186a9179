"""Text from the scanned tree, made safe to show.

A file name, a version or a literal is attacker's text: it may hold terminal escapes, bidirectional
overrides, newlines or half a surrogate pair, and may be megabytes long.
"""

import unicodedata

_KEEP = {"\u200d"}  # zero-width joiner: part of ordinary emoji and of several scripts, moves nothing


def _is_hidden(char: str) -> bool:
    category = unicodedata.category(char)
    # Cc controls, Cf formats (bidi, zero width, tags), Cs surrogates, Co private, Zl/Zp line breaks
    return category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} and char not in _KEEP


def counted(number: int, one: str, many: str = "") -> str:
    """``1 file``, ``3 files``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def visible(text: str, *, limit: int = 600) -> str:
    r"""``text`` on one line with everything that does not show written as ``\xNN`` or ``\uNNNN``.

    Longer than ``limit`` characters, the middle is replaced by an ellipsis with the number left out.
    """
    if len(text) > limit:
        head, tail = limit * 2 // 3, limit // 6
        text = f"{text[:head]} … ({len(text) - head - tail} more characters) … {text[len(text) - tail :]}"
    if text.isprintable():  # nothing hidden is printable
        return text
    return "".join(_escape(char) if _is_hidden(char) else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if named:
        return named
    if 0xDC80 <= code <= 0xDCFF:  # a byte that did not decode (surrogateescape)
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
