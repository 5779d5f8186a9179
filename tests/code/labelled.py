"""Load sites, safe and unsafe, each with the name of its row.

``labelled.txt`` has them as the libraries' own documentation writes them, ``styles.txt`` as programs do: one
after the other, each under a line ``### unsafe ROW`` (something has to be said of it) or ``### safe ROW``
(nothing at medium or above may be).
"""

from pathlib import Path


def _rows(label: str, file: str) -> tuple[tuple[str, str], ...]:
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    blocks = [block.partition("\n") for block in text.split("### ") if block]
    return tuple((head.partition(" ")[2], body) for head, _, body in blocks if head.split()[0] == label)


UNSAFE = _rows("unsafe", "labelled.txt")
SAFE = _rows("safe", "labelled.txt")
UNSAFE_STYLES = _rows("unsafe", "styles.txt")
SAFE_STYLES = _rows("safe", "styles.txt")
