"""Servers that an agent starts: AGT-001 where no release is fixed, and nothing else beside it."""

import json

import pytest

from sbom.model import Location
from scanner.checks import agents, images, pins
from scanner.inventory import take_stock
from scanner.manifests import mcp

DIGEST = "a" * 64
COMMIT = "b" * 40


def rules(*words: str) -> list[str]:
    data = json.dumps({"mcpServers": {"one": {"command": words[0], "args": list(words[1:])}}}).encode()
    stock = take_stock({".mcp.json": list(mcp.parse(data, Location(".mcp.json")))})
    rows = (*agents.check(stock), *pins.check(stock), *images.check(stock))
    return sorted(row.rule for row in rows)


CAUGHT = [
    pytest.param(("npx", "-y", "some-server"), id="npx"),
    pytest.param(("npx", "-y", "@scope/some-server"), id="with a scope"),
    pytest.param(("npx", "-y", "some-server@latest"), id="a tag"),
    pytest.param(("npx", "-y", "some-server@^1.2"), id="a range"),
    pytest.param(("uvx", "some-server"), id="uvx"),
    pytest.param(("uvx", "--from", "some-server>=1", "x"), id="a range of Python's"),
    pytest.param(("docker", "run", "-i", "some/server:1.2"), id="a tag of an image"),
    pytest.param(("cmd", "/c", "npx", "-y", "some-server"), id="through cmd"),
]
HONEST = [
    pytest.param(("docker", "run", f"some/server@sha256:{DIGEST}"), id="a digest"),
    pytest.param(("uvx", "--from", f"git+https://github.com/o/n@{COMMIT}", "x"), id="a commit"),
    pytest.param(("python", "server.py"), id="a file of one's own"),
]


@pytest.mark.parametrize("words", CAUGHT)
def test_what_may_be_another_tool_tomorrow_is_told_once(words: tuple[str, ...]) -> None:
    assert [rule for rule in rules(*words) if rule in {"AGT-001", "DEP-001", "DEP-009"}] == ["AGT-001"]


@pytest.mark.parametrize("words", HONEST)
def test_what_is_fixed_is_left_alone(words: tuple[str, ...]) -> None:
    assert rules(*words) == []


def test_a_release_without_a_digest_is_no_tool_that_changes_by_itself() -> None:
    assert rules("npx", "-y", "some-server@1.2.3") == ["DEP-002"]
