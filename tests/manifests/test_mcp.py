"""Configurations of MCP servers: what agents start their tools from."""

import json

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import mcp
from scanner.model import Declaration

DIGEST = "a" * 64


def server(*words: str, **rest: object) -> list[tuple[str, str, str]]:
    entry = {"command": words[0], "args": list(words[1:]), **rest} if words else rest
    data = json.dumps({"mcpServers": {"one": entry}}, indent=1).encode()
    rows = list(mcp.parse(data, Location(".mcp.json")))
    assert all(isinstance(row, Declaration) and row.where.line == 3 for row in rows)
    return [(row.ecosystem, row.name, row.version) for row in rows if isinstance(row, Declaration)]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("npx", "-y", "@scope/server@1.2.3", "/data"), ("npm", "@scope/server", "1.2.3")),
        (("npx", "-y", "@scope/server"), ("npm", "@scope/server", "")),
        (("cmd", "/c", "npx", "-y", "server@1.0.0"), ("npm", "server", "1.0.0")),
        (("C:\\nodejs\\npx.cmd", "server@1.0.0"), ("npm", "server", "1.0.0")),
        (("npx", "--package", "a@1.0.0", "run-a"), ("npm", "a", "1.0.0")),
        (("pnpm", "dlx", "a@1.0.0"), ("npm", "a", "1.0.0")),
        (("npx -y a@1.0.0",), ("npm", "a", "1.0.0")),
        (("uvx", "mcp-server-git==2.1"), ("pypi", "mcp-server-git", "2.1")),
        (("uvx", "mcp-server-git@2.1", "--repository", "."), ("pypi", "mcp-server-git", "2.1")),
        (("uvx", "mcp-server-git@latest"), ("pypi", "mcp-server-git", "")),
        (("/opt/uvx", "--python", "3.12", "--from", "big-tool==1.0", "tool"), ("pypi", "big-tool", "1.0")),
        (("uv", "tool", "run", "a==1.0"), ("pypi", "a", "1.0")),
        (("pipx", "run", "--spec", "a==1.0", "b"), ("pypi", "a", "1.0")),
        (("docker", "run", "-i", "--rm", "-e", "TOKEN", "mcp/git:1"), ("oci", "mcp/git", "1")),
        (("docker", "run", f"mcp/git@sha256:{DIGEST}"), ("oci", "mcp/git", f"sha256:{DIGEST}")),
    ],
)
def test_what_a_server_is_started_from(words: tuple[str, ...], wanted: tuple[str, str, str]) -> None:
    assert server(*words) == [wanted]


@pytest.mark.parametrize(
    "words",
    [
        ("node", "server.js"),
        ("python", "-m", "server"),
        ("npx",),
        ("uvx", "--from"),
        ("uvx", "git+https://github.com/a/b"),
        ("docker", "ps"),
        ("npx", "-y", "../evil"),
        ("uvx", "a\nb"),
    ],
)
def test_what_names_no_package_declares_none(words: tuple[str, ...]) -> None:
    assert server(*words) == []


def test_an_address_is_told_without_what_may_be_secret_in_it() -> None:
    found = server(url="https://user:pw@mcp.example.org/sse?key=1", type="sse")
    assert found == [("mcp", "https://mcp.example.org/sse", "")]


@pytest.mark.parametrize("section", ["mcpServers", "servers", "context_servers"])
def test_every_section_counts(section: str) -> None:
    data = json.dumps({section: {"a": {"command": "npx", "args": ["b@1.0.0"]}}}).encode()
    assert [row.name for row in mcp.parse(data, Location("mcp.json")) if isinstance(row, Declaration)] == [
        "b"
    ]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"mcpServers": ', b"[" * 500], ids=["empty", "list", "open", "cut", "deep"]
)
def test_broken_files_end_in_an_error_of_ours(data: bytes) -> None:
    with pytest.raises((Malformed, LimitReached)):
        list(mcp.parse(data, Location(".mcp.json")))


@pytest.mark.parametrize("entry", [[], {"a": 1}, {"a": {"command": 5}}, {"a": {"command": "", "args": 3}}])
def test_entries_of_a_wrong_shape_declare_nothing(entry: object) -> None:
    data = json.dumps({"mcpServers": entry}).encode()
    assert list(mcp.parse(data, Location(".mcp.json"))) == []
