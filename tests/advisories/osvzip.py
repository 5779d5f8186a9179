"""Small OSV sources for tests: records by hand, as a zip or a folder."""

import json
import zipfile
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def record(
    identity: str = "PYSEC-2024-1",
    package: str = "demo",
    *,
    ranges: list[Json] | None = None,
    listed: list[str] | None = None,
    ecosystem: str = "PyPI",
    **more: Any,
) -> Json:
    """One OSV record about one package; affected below 2.0 unless told otherwise."""
    affected: Json = {"package": {"ecosystem": ecosystem, "name": package}}
    if ranges is None and listed is None:
        ranges = [span("0", fixed="2.0")]
    if ranges is not None:
        affected["ranges"] = ranges
    if listed is not None:
        affected["versions"] = listed
    return {
        "id": identity,
        "modified": "2024-05-01T00:00:00Z",
        "summary": f"Something is wrong with {package}",
        "affected": [affected],
        **more,
    }


def span(introduced: str = "0", kind: str = "ECOSYSTEM", **events: str) -> Json:
    """One range from ``introduced``."""
    return {
        "type": kind,
        "events": [{"introduced": introduced}, *({name: at} for name, at in events.items())],
    }


def zipped(path: Path, *records: Json, **members: bytes) -> Path:
    """A zip of records, one document each, and of raw members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for at, one in enumerate(records):
            archive.writestr(f"{at:03}-{one.get('id', 'none')}.json", json.dumps(one))
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def catalogue(path: Path, *cves: str) -> Path:
    """A catalogue of exploited vulnerabilities in CISA's shape."""
    rows = [{"cveID": cve, "dateAdded": "2024-03-01"} for cve in cves]
    path.write_text(
        json.dumps({"catalogVersion": "1", "dateReleased": "2024-03-02T00:00:00Z", "vulnerabilities": rows})
    )
    return path
