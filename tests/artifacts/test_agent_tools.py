"""Tools of agents that are written in JSON."""

import json

import pytest

from scanner.artifacts import json_config
from scanner.model import Evidence
from tests.forge_archives import subject

ACTS = "def run(x):\n    import subprocess\n    return subprocess.run(['echo', x])\n"
PURE = "def double(x: int) -> int:\n    return 2 * x\n"


def tool(code: str, **more: object) -> dict[str, object]:
    kind = {"provider": "autogen_core.tools.FunctionTool", "component_type": "tool"}
    return {**kind, "config": {"source_code": code, "name": "t", "global_imports": [], **more}}


def told(config: object) -> list[tuple[str, str, str]]:
    found = list(json_config.inspect(subject(json.dumps(config).encode(), "agent.json")))
    return [
        (row.rule, row.subject, ", ".join(value.value for _, value in row.factors))
        for row in found
        if isinstance(row, Evidence)
    ]


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"tools": []}, id="no tools"),
        pytest.param({"source_code": "https://github.com/shop/net"}, id="an address of a card"),
        pytest.param({"source_code": ACTS, "licence": "mit"}, id="code that nobody says to be a tool"),
        pytest.param(tool("this is no Python"), id="no Python"),
    ],
)
def test_honest_files_say_nothing(config: object) -> None:
    assert told(config) == []


@pytest.mark.parametrize(
    ("config", "row"),
    [
        pytest.param(tool(ACTS), ("ART-031", "tool:subprocess.run", "poc, confirmed"), id="a tool"),
        pytest.param(
            {"team": {"participants": [{"config": {"tools": [tool(ACTS)]}}]}},
            ("ART-031", "tool:subprocess.run", "poc, confirmed"),
            id="a tool of an agent of a team",
        ),
        pytest.param(tool(PURE), ("ART-031", "tool:t", "weakens"), id="a tool that only computes"),
    ],
)
def test_the_code_of_a_tool_is_graded_by_what_it_does(config: object, row: tuple[str, str, str]) -> None:
    assert told(config) == [row]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import os as o\no.system('x')\n", id="another name"),
        pytest.param("__import__('os').popen('x')\n", id="imported on the spot"),
        pytest.param("exec('1')\n", id="exec"),
    ],
)
def test_evasions_are_seen(code: str) -> None:
    assert [row[2] for row in told(tool(code))] == ["poc, confirmed"]
