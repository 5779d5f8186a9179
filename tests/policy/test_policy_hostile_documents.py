"""Whatever stands in a document: it is read, or it is an error that names the file. Never a crash."""

import copy
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import ConfigurationError
from scanner.policy import allow, baseline, claims, config, diff, paths, vex, waivers
from scanner.policy.model import Pack
from scanner.policy.plain import At
from scanner.reports import json_report
from scanner.text import visible
from tests import forge_report
from tests.policy.make import (
    SHA,
    TODAY,
    advisory,
    as_dict,
    cyclonedx,
    finding,
    openvex,
    scene,
    statement,
    vulnerability,
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["pkg:", "vers:pypi/<", "CVE-2024-1", "9999-12-31T23:59:59-14:00", "2027-13-01", "\ud800", "[", "**"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

DOCUMENTS: dict[str, Any] = {
    "openvex": as_dict(
        openvex(
            statement(
                hashes={}, product={"@id": "x", "hashes": {"sha-256": SHA}, "subcomponents": [{"@id": "y"}]}
            )
        )
    ),
    "cyclonedx": as_dict(
        cyclonedx(
            vulnerability(
                affects=[{"ref": "part-1", "versions": [{"range": "vers:pypi/>=1"}]}],
                references=[{"id": "x"}],
            ),
            metadata={
                "component": {"name": "x", "components": [{"bom-ref": "z", "hashes": [{"alg": "SHA-256"}]}]}
            },
        )
    ),
    "baseline": as_dict(baseline.write([finding()], TODAY)),
    "report": as_dict(json_report.render(forge_report.report())),
    "config": {
        "packs": ["strict"],
        "advisories": {"max-age-days": 1, "path": "x"},
        "exclude": ["a"],
        "waivers": [
            {
                "rule": "ART-003",
                "path": "a",
                "package": "torch>1",
                "reason": "r",
                "owner": "o",
                "expires": "2027-01-01",
            }
        ],
        "allow": [{"name": "a.b", "sha256": SHA, "reason": "r", "owner": "o"}],
        "paths": [{"glob": "a/*", "context": "exposed", "reason": "r"}],
    },
}


def read_vex(document: object) -> None:
    said = vex.load(json.dumps(document).encode(), "f")
    claims.apply([finding(), advisory(exploitation="active")], said, TODAY, scene())


def read_baseline(document: object) -> None:
    known = baseline.load(json.dumps(document).encode(), "f")
    said = baseline.apply([finding()], known, TODAY, Pack()).findings
    baseline.overdue(said, TODAY)
    baseline.write(said, TODAY, known)


def read_report(document: object) -> None:
    side = diff.load(json.dumps(document).encode(), "f")
    whole = diff.load(json.dumps(DOCUMENTS["report"]).encode(), "f")
    said = diff.compare(whole, side)
    for text in (diff.text(said), diff.markdown(said), diff.json_text(said)):
        assert "\x1b" not in text


def read_config(document: object) -> None:
    rows = At(document, "f").table()
    entries = waivers.read(rows["waivers"]) if "waivers" in rows else ()
    listed = allow.read(rows["allow"]) if "allow" in rows else ()
    claims.apply([finding(), advisory()], [*entries, *listed], TODAY, scene())
    for rule in paths.read(rows["paths"]) if "paths" in rows else ():
        paths.matches(rule.glob, "a/b")
    config.on_line(exclude=rows["exclude"].value if "exclude" in rows else None)


READERS: dict[str, Callable[[object], None]] = {
    "openvex": read_vex,
    "cyclonedx": read_vex,
    "baseline": read_baseline,
    "report": read_report,
    "config": read_config,
}


def complaint(read: Callable[[], object]) -> str:
    """What the reader complains of; just the file's name where it does not."""
    try:
        read()
    except ConfigurationError as error:
        return str(error)
    return "f"


def nodes(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, one in inner for each in nodes(one, (*path, key)))]


def changed(document: Any, path: tuple[Any, ...], value: object) -> object:
    """The document with another value at one place."""
    if not path:
        return value
    made = copy.deepcopy(document)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return made


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_document_is_good_before_it_is_changed(name: str) -> None:
    document = DOCUMENTS[name]
    if name == "openvex":
        document = changed(
            document, ("statements", 0, "products", 0, "subcomponents", 0, "@id"), "pkg:pypi/x"
        )
    READERS[name](document)


@settings(max_examples=300)
@given(st.data())
def test_a_changed_document_is_read_or_named(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    path = data.draw(st.sampled_from(nodes(DOCUMENTS[name])))
    document = changed(DOCUMENTS[name], path, data.draw(values))
    told = complaint(lambda: READERS[name](document))
    assert told.startswith(("f", "command line"))
    assert visible(told, limit=5000) == told


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_named(data: bytes) -> None:
    for load in (vex.load, baseline.load, diff.load, config.load, waivers.load):
        assert complaint(partial(load, data, "f")).startswith("f")


def test_components_in_components_do_not_exhaust_the_stack() -> None:
    deep: dict[str, Any] = {"name": "x"}
    for _ in range(300):
        deep = {"name": "x", "components": [deep]}
    vex.load(cyclonedx(vulnerability(), components=[deep]), "f")
