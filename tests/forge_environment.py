"""Environments as installers leave them, and as somebody else leaves them afterwards."""

import base64
import hashlib
from pathlib import Path

SITE = "lib/python3.12/site-packages"


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """A digest as RECORD writes it."""
    value = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).rstrip(b"=").decode()
    return f"{algorithm}={value}"


def install(
    prefix: Path,
    name: str,
    files: dict[str, bytes],
    *,
    version: str = "1.0",
    site: str = SITE,
    rows: tuple[str, ...] = (),
    record: bool = True,
) -> Path:
    """Installs a distribution: files (relative to the site), metadata, RECORD; returns its dist-info."""
    folder = prefix / site
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/INSTALLER": b"pip\n",
    }
    listed = list(rows)
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        listed.append(f"{path},{digest(data)},{len(data)}")
    if record:
        (folder / info / "RECORD").write_text("\n".join([*listed, f"{info}/RECORD,,", ""]))
    return folder / info


def venv(prefix: Path) -> Path:
    """A virtual environment with one honest package and its script."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (prefix / SITE).mkdir(parents=True)
    install(
        prefix,
        "honest",
        {"honest/__init__.py": b"ANSWER = 42\n", "../../../bin/honest": b"#!/bin/python\n", "data.txt": b"x"},
    )
    return prefix
