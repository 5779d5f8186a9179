"""What the tests of advisories share: a cache of their own, and the real export where it is there."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "advisories"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHBRIDGE_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def pypa() -> Path:
    """The PyPA database's export of October 2024."""
    path = SHARED / "pypa-osv-2024-10-10.zip"
    if not path.exists():
        pytest.skip("needs ../shared/advisories/pypa-osv-2024-10-10.zip beside the repository")
    return path


@pytest.fixture(scope="session")
def kev() -> Path:
    """CISA's catalogue of August 2025."""
    path = SHARED / "kev-2025-08-25.json"
    if not path.exists():
        pytest.skip("needs ../shared/advisories/kev-2025-08-25.json beside the repository")
    return path
