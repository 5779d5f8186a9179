"""What runs at the start of Python: the honest ones known by their content, everything else told."""

import pytest

from sbom.model import Location
from scanner.artifacts import path_file, startup
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Evidence, Inspector, Subject
from scanner.registry import claims

PRECEDENCE = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim(); "
)
NAMESPACE = (
    "import sys, types, os;p = os.path.join(sys._getframe(1).f_locals['sitedir'], *{parts});"
    "importlib = __import__('importlib.util');__import__('importlib.machinery');"
    "m = sys.modules.setdefault('{name}', importlib.util.module_from_spec("
    "importlib.machinery.PathFinder.find_spec('{name}', [os.path.dirname(p)])));"
    "m = m or sys.modules.setdefault('{name}', types.ModuleType('{name}'));"
    "mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)"
)
REDIRECT = "from editables.redirector import RedirectingFinder as F\nF.install()\nF.map_module('a', '/src/a')"


def found(inspector: Inspector, data: bytes, name: str = "x") -> list[Evidence]:
    limits = Limits()
    subject = Subject(BytesSource(data), Location(name), name, limits, Budget(limits))
    return [event for event in inspector(subject) if isinstance(event, Evidence)]


def values(evidence: Evidence) -> dict[str, str]:
    return {name: measured.value for name, measured in evidence.factors}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(PRECEDENCE, id="setuptools"),
        pytest.param(PRECEDENCE.replace("'local')", "'stdlib')"), id="setuptools, off"),
        pytest.param(NAMESPACE.format(name="acme", parts="('acme',)"), id="a namespace"),
        pytest.param("import sys; sys.__plen = len(sys.path)", id="easy_install"),
    ],
)
def test_lines_of_well_known_tools_are_no_evidence(line: str) -> None:
    assert found(path_file.inspect, f"/some/folder\n{line}\n".encode()) == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(PRECEDENCE.replace("_distutils_hack", "_distutils_hock"), id="another module"),
        pytest.param(PRECEDENCE + "import evil", id="something appended"),
        pytest.param("import evil; " + PRECEDENCE, id="something in front"),
        pytest.param(NAMESPACE.format(name="importlib.util", parts="('x',)"), id="a name that is code"),
        pytest.param(
            NAMESPACE.format(name="acme", parts="('acme',)").replace("'importlib.util'", "'acme'"),
            id="the package in the place of a module",
        ),
        pytest.param("import _virtualenv; import evil", id="a module and more"),
        pytest.param("\ufeffimport evil", id="behind a byte-order mark"),
    ],
)
def test_lines_that_only_look_like_theirs_are(line: str) -> None:
    assert [each.rule for each in found(path_file.inspect, line.encode())] == ["DEP-024"]


@pytest.mark.parametrize(
    ("line", "measured"),
    [
        pytest.param("import acme", {}, id="an import"),
        pytest.param(
            "import os; os.system('id')", {"effect": "total", "evidence": "indicated"}, id="a command"
        ),
        pytest.param(
            "import os;exec('import socket\\nsocket.create_connection((1,2))')",
            {"effect": "total", "evidence": "indicated"},
            id="a text that is run",
        ),
        pytest.param(
            "import base64; exec(base64.b64decode('aW1wb3J0IG9z'))",
            {"effect": "total", "evidence": "confirmed"},
            id="what it unpacks",
        ),
        pytest.param("import ((", {"effect": "total", "evidence": "indicated"}, id="no Python"),
    ],
)
def test_what_a_line_does_is_measured(line: str, measured: dict[str, str]) -> None:
    (evidence,) = found(path_file.inspect, line.encode())
    assert values(evidence) == measured


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("# nothing\n'''a text'''\npass\n", id="comments"),
        pytest.param(
            "# install the handler\ntry:\n    import apport_python_hook\nexcept ImportError:\n    pass\n"
            "else:\n    apport_python_hook.install()\n",
            id="the crash reporter",
        ),
        pytest.param(REDIRECT, id="an editable install"),
        pytest.param(REDIRECT + "\n", id="an editable install, with its last line ended"),
    ],
)
def test_modules_that_well_known_tools_write_are_no_evidence(text: str) -> None:
    assert found(startup.inspect, text.encode()) == []


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        pytest.param("import acme\n", {}, id="an import"),
        pytest.param(REDIRECT + "\nimport acme", {}, id="an editable install and more"),
        pytest.param(
            "F.map_module('a', '/x')\n__import__('os').system('id')",
            {"effect": "total", "evidence": "indicated"},
            id="a command",
        ),
        pytest.param(
            "try:\n    import apport_python_hook\nexcept ImportError:\n    import os; os.system('id')\n"
            "else:\n    apport_python_hook.install()\n",
            {"effect": "total", "evidence": "indicated"},
            id="almost the crash reporter",
        ),
    ],
)
def test_every_other_module_is_told_with_what_it_does(text: str, measured: dict[str, str]) -> None:
    (evidence,) = found(startup.inspect, text.encode())
    assert evidence.rule == "DEP-024"
    assert values(evidence) == measured


def test_broken_and_huge_modules_are_told_and_end_in_an_outcome() -> None:
    with pytest.raises(Malformed):
        found(startup.inspect, b"import ((")
    with pytest.raises(LimitReached):
        found(startup.inspect, b"#" * (2 << 20))


@pytest.mark.parametrize(
    "name", ["sitecustomize.py", "__editable___acme_1_0_finder.py", "_editable_impl_x.py"]
)
def test_modules_for_the_start_are_claimed_by_name(name: str) -> None:
    assert [claim.format.name for claim in claims(name, b"import os", b"")] == ["python-start"]


def test_only_literals_are_left_out_of_a_finder() -> None:
    assert startup.bare("MAPPING = {'a': '/b'}\nx") == "MAPPING = _\nx"
    assert "evil" in startup.bare("MAPPING = evil()\nx")


@pytest.mark.parametrize(
    "line",
    [
        "import os; getattr(os, 'system')('id')",
        "import importlib; importlib.import_module('subprocess').run('id')",
        "import sys; getattr(__import__('os'), 'popen')('id')",
        "import urllib.request as u; u.urlopen('http://192.0.2.1/')",
        "import sys; __import__('urllib.request').request.urlopen('http://192.0.2.1/')",
    ],
)
def test_a_call_by_another_way_is_seen_all_the_same(line: str) -> None:
    (evidence,) = found(path_file.inspect, line.encode())
    assert values(evidence)["effect"] == "total"
