"""The matcher against an independent, slow and simple reading of OSV, over a real database."""

import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from scanner.advisories import match, snapshot, store
from scanner.advisories.match import Match
from tests.advisories.osvzip import Json

# With every record the test takes a minute: benchmarks/advisory_match.py asks them all.
_SAMPLE = 220
_VERSIONS = 12


def parsed(text: str) -> Version | None:
    """The version as packaging reads it."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def affected(raw: Json, name: str, text: str) -> bool:
    """OSV's pseudo-code, transcribed with packaging's versions and nothing of ours."""
    version = parsed(text)
    for entry in raw["affected"]:
        if canonicalize_name(entry["package"]["name"]) != canonicalize_name(name):
            continue
        for listed in entry.get("versions", []):
            if listed == text or (version is not None and parsed(listed) == version):
                return True
        for one in entry.get("ranges", []):
            if one["type"] != "GIT" and version is not None and _in_range(one["events"], version):
                return True
    return False


def _in_range(events: list[dict[str, str]], version: Version) -> bool:
    def place(event: dict[str, str]) -> tuple[bool, Version]:
        [(kind, text)] = event.items()
        return (False, Version("0")) if (kind, text) == ("introduced", "0") else (True, Version(text))

    vulnerable = False
    for event in sorted(events, key=place):
        [(kind, text)] = event.items()
        if kind == "introduced" and (text == "0" or version >= Version(text)):
            vulnerable = True
        elif (kind == "fixed" and version >= Version(text)) or (
            kind == "last_affected" and version > Version(text)
        ):
            vulnerable = False
    return vulnerable


def records(path: Path) -> list[Json]:
    """All records of a zip."""
    with zipfile.ZipFile(path) as archive:
        return [json.loads(archive.read(name)) for name in archive.namelist()]


@pytest.fixture(scope="module")
def built(pypa: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Snapshot]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEIGHBRIDGE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        path = snapshot.build_snapshot(pypa)
    with store.Snapshot(path) as opened:
        yield opened


def _says(opened: store.Snapshot, raw: Json, name: str, version: str) -> Match:
    for one in opened.lookup("PyPI", name):
        if one.id == raw["id"]:
            return match.Advisory(one).says(version)
    return Match.NO


def test_every_listed_version_is_found_as_written_and_as_a_local_build(
    pypa: Path, built: store.Snapshot
) -> None:
    chance = random.Random(20241010)
    for raw in chance.sample(records(pypa), _SAMPLE):
        for entry in raw["affected"]:
            name = entry["package"]["name"]
            listed = entry.get("versions", [])
            for text in chance.sample(listed, min(_VERSIONS, len(listed))):
                assert _says(built, raw, name, text) is Match.YES, (raw["id"], text)
                assert _says(built, raw, name.upper().replace("-", "_."), text) is Match.YES
                version = parsed(text)
                if version is not None and not version.local:
                    assert _says(built, raw, name, f"{text}+cu121") is Match.PUBLIC, (raw["id"], text)


def test_no_version_is_found_that_the_reference_does_not_find(pypa: Path, built: store.Snapshot) -> None:
    chance = random.Random(7)
    raws = records(pypa)
    for raw in chance.sample(raws, _SAMPLE):
        name = raw["affected"][0]["package"]["name"]
        known = built.known("PyPI", name)
        near = [text + tail for text in known for tail in ("", ".post1", ".dev0", "rc1", ".1")]
        for text in chance.sample(near, min(_VERSIONS * 2, len(near))):
            found = _says(built, raw, name, text) is Match.YES
            assert found == affected(raw, name, text), (raw["id"], text)


def test_the_snapshot_says_what_the_records_say(pypa: Path, built: store.Snapshot) -> None:
    """Versions that its ranges hold are not stored again: that may change no answer."""
    from scanner.advisories import osv

    chance = random.Random(11)
    for raw in chance.sample(records(pypa), _SAMPLE):
        whole = match.Advisory(osv.parse(raw))
        name = raw["affected"][0]["package"]["name"]
        known = built.known("PyPI", name)
        for text in chance.sample(known, min(_VERSIONS, len(known))):
            for spelled in (text, f"{text}+cpu"):
                assert _says(built, raw, name, spelled) is whole.says(spelled), (raw["id"], spelled)
