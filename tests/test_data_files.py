"""The data that the packages carry: no key stands twice, for JSON lets the last one win in silence."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted([*(ROOT / "scanner").rglob("*.json"), *(ROOT / "sbom").rglob("*.json")])


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1} if len(set(keys)) < len(keys) else set()
    assert not twice
    return dict(pairs)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_key_stands_twice(file: Path) -> None:
    assert json.loads(file.read_text(), object_pairs_hook=_once)
