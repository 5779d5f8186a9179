"""What the tests of integrity share: a cache of their own, and an index on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrity import simple


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHBRIDGE_CACHE_DIR", str(tmp_path / "own-cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def index() -> Iterator[simple.Index]:
    """A package index that listens until the end of the test."""
    with simple.running() as running:
        yield running
