"""TorchScript code and torch.package archives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName
from scanner.artifacts import pytorch, torchscript
from scanner.errors import Malformed, ScanError
from scanner.model import Derived, Evidence
from tests.forge import archive, literal, stream
from tests.forge_archives import subject

HONEST = b"""class Net(Module):
  __parameters__ = ["weight", ]
  weight : Tensor
  training : bool
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    y = torch.add(torch.conv2d(x, self.weight), CONSTANTS.c0, alpha=1)
    z = ops.torchvision.nms(y, y, 0.5)
    return ops.quantized.linear(z, annotate(List[int], [1, 2]))
"""


def code(line: str) -> bytes:
    return b"def f(x: Tensor) -> Tensor:\n  " + line.encode() + b"\n  return x\n"


def rules_of(data: bytes) -> list[tuple[str, str]]:
    return [
        (each.rule, each.subject) for each in torchscript.inspect(subject(data)) if isinstance(each, Evidence)
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HONEST, id="a module"),
        pytest.param(b"", id="nothing"),
        pytest.param(code('print("torch.save(x)")'), id="a text"),
        pytest.param(code("x = __torch__.net.save(x)"), id="a method of the model's own"),
    ],
)
def test_honest_code_gives_no_evidence(data: bytes) -> None:
    assert rules_of(data) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('torch.save(x, "/tmp/x")', ("ART-009", "aten::save")),
        ('y = torch.from_file("/etc/passwd", False, 10)', ("ART-009", "aten::from_file")),
        ('y = ops.aten.from_file("/etc/passwd")', ("ART-009", "aten::from_file")),
        ('y = torch.ops.image.read_file("/etc/passwd")', ("ART-009", "image::read_file")),
        ("y = ops.evil.run(x)", ("ART-010", "evil::run")),
    ],
)
def test_operators_that_act_are_named(line: str, found: tuple[str, str]) -> None:
    assert rules_of(code(line)) == [found]


def test_code_that_is_no_python_is_broken_and_its_operators_still_show() -> None:
    events = torchscript.inspect(subject(b'x = = torch.save(y, "f")'))
    first = next(events)
    assert isinstance(first, Evidence)
    assert first.subject == "aten::save"
    with pytest.raises(Malformed):
        next(events)


def test_the_code_of_an_archive_is_handed_on() -> None:
    data = archive(
        {"m/data.pkl": stream(literal(1)), "m/code/__torch__.py": HONEST, "m/constants.pkl": stream(b")")}
    )
    (found,) = (event for event in pytorch.inspect_zip(subject(data)) if isinstance(event, Derived))
    assert found.format == "torchscript-code"
    assert found.source is not None
    assert found.source.read_at(0, 1000) == HONEST


PACKAGE = {
    "p/.data/extern_modules": b"torch\nnumpy\n",
    "p/.data/python_version": b"3.11.7\n",
    "p/model/model.pkl": stream(literal(1)),
}


def package(**sources: str) -> bytes:
    return archive(PACKAGE | {f"p/{name}.py": text.encode() for name, text in sources.items()})


def package_rules(data: bytes) -> list[tuple[str, str]]:
    found = torchscript.inspect_package(subject(data))
    return [(each.rule, each.subject) for each in found if isinstance(each, Evidence)]


def test_a_package_of_data_alone_gives_facts_and_no_evidence() -> None:
    events = list(torchscript.inspect_package(subject(package())))
    assert not [event for event in events if isinstance(event, Evidence)]
    assert Fact(FactName.IMPORTS, "numpy, torch") in events
    assert Fact(FactName.METADATA, "python=3.11.7") in events


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import os\nos.system('id')", id="plain"),
        pytest.param("import os as o\no.popen('id')", id="an alias"),
        pytest.param("from subprocess import run as go\ngo('id')", id="a name under another"),
        pytest.param("class M:\n  def f(self):\n    exec('1')", id="a builtin, deep inside"),
    ],
)
def test_what_interned_source_calls_is_told(text: str) -> None:
    assert len(package_rules(package(model=text))) == 2
    assert {rule for rule, _ in package_rules(package(model=text))} == {"ART-012"}


def test_a_package_without_its_list_is_broken() -> None:
    with pytest.raises(Malformed):
        list(torchscript.inspect_package(subject(archive({"p/a.pkl": b"N."}))))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.binary(max_size=8))
def test_whatever_is_spliced_into_a_package_ends_in_an_outcome(at: int, noise: bytes) -> None:
    data = package(model="import os\nos.system('id')")
    try:
        list(torchscript.inspect_package(subject(data[:at] + noise + data[at + len(noise) :])))
    except ScanError:
        return
