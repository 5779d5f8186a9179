"""Only functions and classes with words of the table are read: nothing that loads may hide in the others."""

import pytest

from scanner.code import read
from scanner.limits import Limits
from tests.code.reading import reading, sites

HEAD = "import torch, pickle\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f():\n    '''Says nothing.'''; torch.load('m.pt')", id="behind a docstring"),
        pytest.param("def f(): '''load'''; torch.load('m.pt')", id="all in one line"),
        pytest.param("def f(x=torch.load('m.pt')):\n    '''Nothing.'''", id="a default"),
        pytest.param("@g(torch.load('m.pt'))\ndef f():\n    pass", id="a decorator"),
        pytest.param("def f():\n    torch.ｌｏａｄ('m.pt')", id="letters of another width"),
        pytest.param("l = torch.load\ndef f():\n    l('m.pt')", id="another name"),
        pytest.param("from torch import load as l\ndef f():\n    l('m.pt')", id="an alias"),
        pytest.param(
            "class A:\n    l = torch.load\ndef f():\n    g()\ndef g():\n    A.l('m.pt')",
            id="a class attribute",
        ),
        pytest.param("def f():\n    getattr(torch, 'load')('m.pt')", id="getattr"),
        pytest.param("if torch:\n    def f():\n        torch.load('m.pt')", id="in a branch"),
        pytest.param("def g():\n    return 'm.pt'\ndef f():\n    torch.load(g())", id="what another gives"),
        pytest.param(
            "class C:\n    def __init__(self):\n        self.p = 'm.pt'\n"
            "def f():\n    c = C()\n    torch.load('m.pt')",
            id="beside a class",
        ),
    ],
)
def test_a_load_is_found_wherever_it_stands(text: str) -> None:
    assert [getattr(site.target, "name", "") for site in sites(HEAD + text)] == ["m.pt"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"# coding: utf-7\n" + "import pickle\npickle.load(f)\n".encode("utf-7"), id="utf-7"),
        pytest.param(b"# coding: utf-7\nimport pickle\npickle.lo+AGE-d(f)\n", id="a letter in utf-7"),
        pytest.param(b"# coding: unicode_escape\nimport pickle\npickle.lo\\x61d(f)\n", id="escapes"),
    ],
)
def test_an_encoding_hides_no_words(data: bytes) -> None:
    assert read.speaks(data)
    assert [site.api for site in reading({"main.py": data}).sites] == ["pickle.load"]


def test_who_calls_a_wrapper_is_read_though_it_has_no_word_of_the_table() -> None:
    text = "import torch\ndef fetch(p):\n    return torch.load(p)\ndef go():\n    fetch('m.pt')\n"
    (site,) = sites(f"{text}go()\n")
    assert (getattr(site.target, "name", ""), site.reached_on_import) == ("m.pt", True)


def test_units_without_a_word_are_passed_over_and_told() -> None:
    text = (
        "import torch\nfrom a import b as c\ndef f():\n    torch.load('m.pt')\n"
        "def g():\n    '''Calls torch.load.'''\n    c(1)\n"
    )
    module = read.file(text.encode(), "main.py", read.own(["main.py"]), Limits()).module
    assert [call.dotted for call in module.calls] == ["torch.load"]
    assert module.unheard == {"b"}
