"""What stands in objects, tables and configurations is followed through the functions that hand them on."""

from pathlib import Path

import pytest

import scanner
from scanner.model import Unresolved
from scanner.policy import Policy
from tests.code.reading import sites, target

CLASS = """\
import pickle, yaml
from dataclasses import dataclass
@dataclass
class Settings:
    path: str = "default.pkl"
    other: str = "other.pkl"
def load(cfg):
    pickle.load(open(cfg.path, "rb"))
def outer(cfg):
    load(cfg)
"""
LOADS = "import pickle\ndef run(c):\n    pickle.load(open(c.path, 'rb'))\n"
HELD = ["default.pkl", "given.pkl", "other.pkl"]

FOLLOWED = [
    pytest.param(CLASS + "load(Settings())", "default.pkl", id="a default"),
    pytest.param(CLASS + "load(Settings(path='given.pkl'))", "given.pkl", id="a keyword"),
    pytest.param(CLASS + "load(Settings('given.pkl'))", "given.pkl", id="by place"),
    pytest.param(CLASS + "load(Settings(other='given.pkl'))", "default.pkl", id="a keyword of another field"),
    pytest.param(CLASS + "outer(Settings('given.pkl'))", "given.pkl", id="through two functions"),
    pytest.param(CLASS + "s = Settings('given.pkl')\nouter(s)", "given.pkl", id="by a variable"),
    pytest.param(
        CLASS + "s = Settings(path='given.pkl')\npickle.loads(open(s.path, 'rb').read())",
        "given.pkl",
        id="here",
    ),
    pytest.param(
        "import pickle\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass C:\n    path: str = 'default.pkl'\n"
        "def run(cfg: C):\n    pickle.load(open(cfg.path, 'rb'))\nrun(C(path='given.pkl'))",
        "given.pkl",
        id="the constructor counts more than the default of the class that annotates",
    ),
    pytest.param(
        "import pickle\nclass C:\n    def __init__(self, where='default.pkl'):\n        self.path = where\n"
        "def run(cfg):\n    pickle.load(open(cfg.path, 'rb'))\nrun(C('given.pkl'))",
        "given.pkl",
        id="a constructor that is written out",
    ),
    pytest.param(
        "import pickle\nclass C:\n    def __init__(self, where='default.pkl'):\n        self.path = where\n"
        "def run(cfg):\n    pickle.load(open(cfg.path, 'rb'))\nrun(C())",
        "default.pkl",
        id="its default",
    ),
    pytest.param(
        "import pickle\nclass C:\n    def __init__(self, path):\n        self.path = path\n"
        "    def go(self):\n        pickle.load(open(self.path, 'rb'))\nC('given.pkl').go()",
        "given.pkl",
        id="what an object keeps",
    ),
    pytest.param(
        "import pickle\nclass C:\n    def __init__(self, path):\n        pickle.load(open(path, 'rb'))\n"
        "C(path='given.pkl')",
        "given.pkl",
        id="what a constructor loads",
    ),
    pytest.param(
        CLASS + "class T:\n    def __init__(self, cfg):\n        self.cfg = cfg\n    def go(self):\n"
        "        pickle.loads(open(self.cfg.path, 'rb').read())\nT(Settings('given.pkl')).go()",
        "given.pkl",
        id="an object in an object",
    ),
    pytest.param(
        "import pickle\ndef run(cfg):\n    pickle.load(open(cfg['path'], 'rb'))\nrun({'path': 'given.pkl'})",
        "given.pkl",
        id="a table",
    ),
    pytest.param(
        "import pickle\ndef run(cfg):\n    pickle.load(open(cfg['m'].get('path'), 'rb'))\n"
        "def outer(c):\n    run(c)\nouter({'m': {'path': 'given.pkl'}})",
        "given.pkl",
        id="a table in a table, through two functions",
    ),
]


@pytest.mark.parametrize(("text", "name"), FOLLOWED)
def test_the_value_at_the_end_of_the_way_is_found(text: str, name: str) -> None:
    last = text.replace("load(cfg):\n    pickle.load(open(cfg.path", "load(cfg):\n    print((cfg.path")
    assert target(last if "pickle.loads" in text else text, held=HELD) == name


@pytest.mark.parametrize(
    "text",
    [
        CLASS + "load(Settings(path=given()))",
        CLASS + "load(make())",
        LOADS + "class C:\n    def __init__(self, a):\n        self.path = a + b()\nrun(C('given.pkl'))",
        LOADS + "class C:\n    pass\nrun(C('given.pkl'))",
        "import pickle\ndef run(c):\n    pickle.load(open(c.a.b.c['d'].e, 'rb'))\nrun(run)",
        LOADS + "class C:\n    def __init__(self, c):\n        self.path = C(self)\nrun(C(C))",
    ],
)
def test_what_nothing_tells_stays_unknown(text: str) -> None:
    rows = sites(text, held=HELD)
    assert rows
    assert all(isinstance(row.target, Unresolved) for row in rows)


def loads(tmp_path: Path, files: dict[str, str]) -> set[tuple[str, str]]:
    """Rule and place of what a scan of the tree finds in its code."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    report = scanner.scan(tmp_path, Policy(check_advisories=False))
    return {(row.evidence.rule, str(row.evidence.where)) for row in report.findings}


UNPICKLER = "import pickle\nclass Mine(pickle.Unpickler):\n    def {}\n"


@pytest.mark.parametrize(
    ("method", "found"),
    [
        ("persistent_load(self, p):\n        return p", True),
        ("find_class(self, m, n):\n        return super().find_class(m, n)", True),
        ("find_class(self, m, n):\n        raise pickle.UnpicklingError(m)", False),
        (
            "find_class(self, m, n):\n        if m != 'a':\n            raise ValueError(m)\n",
            False,
        ),
    ],
)
def test_an_unpickler_of_another_module_runs_what_it_reads_unless_it_refuses(
    method: str, found: bool, tmp_path: Path
) -> None:
    files = {
        "safe.py": UNPICKLER.format(method),
        "a.py": "from safe import Mine\nMine(open('x.bin', 'rb')).load()\n",
        "b.py": "import safe as s\nu = s.Mine(open('x.bin', 'rb'))\nu.load()\n",
    }
    told = {place for rule, place in loads(tmp_path, files) if rule == "SRC-009"}
    assert told == ({"a.py:2", "b.py:3"} if found else set())


OWN = """\
from base import Base
class Net(Base):
    pass
class Own(Base):
    @classmethod
    def from_pretrained(cls, name):
        return cls()
"""


def test_a_method_of_a_library_is_that_in_a_class_of_another_module(tmp_path: Path) -> None:
    files = {
        "base.py": "from transformers import PreTrainedModel\nclass Base(PreTrainedModel):\n    pass\n",
        "net.py": OWN,
        "use.py": "from net import Net, Own\nNet.from_pretrained('a/net')\nOwn.from_pretrained('a/own')\n",
    }
    assert loads(tmp_path, files) == {("SRC-005", "use.py:2")}


def test_remote_code_that_another_module_names_is_told_by_its_name(tmp_path: Path) -> None:
    files = {
        "g.py": "def gen(model, how):\n    model.generate(custom_generate=how, trust_remote_code=True)\n",
        "h.py": "from g import gen\ngen(m, how='evil/gen')\n",
    }
    loads(tmp_path, files)
    report = scanner.scan(tmp_path, Policy(check_advisories=False))
    assert [row.loads for row in report.chains] == ["evil/gen"]
