"""Python in archives that a loader runs, read as any other."""

import io
import tarfile
import zipfile

import pytest

from scanner.code.releases import Allowed
from scanner.files.source import BytesSource
from scanner.join import packed
from scanner.limits import Limits

HANDLER = (
    "import torch\nfrom paths import WHERE\nclass H:\n    def initialize(self):\n        torch.load(WHERE)\n"
)
PATHS = "WHERE = 'https://h.example/m.pt'\n"


def zip_of(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def tar_of(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def read(data: bytes, **limits: int) -> list[tuple[str, str]]:
    releases = {"torch": Allowed(frozenset({"2.3.0"}))}
    found = packed.reading(BytesSource(data), "m.mar", releases, Limits(**limits))
    return [(row.rule, str(row.where)) for row in found.evidence]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_a_handler_is_read_with_what_it_imports_from_the_archive(pack: object) -> None:
    assert callable(pack)
    data = pack({"handler.py": HANDLER, "paths.py": PATHS, "m.pt": ""})
    assert read(data) == [("SRC-003", "m.mar!handler.py:5")]


def test_a_file_of_the_archive_is_held_by_it() -> None:
    data = zip_of({"handler.py": "import torch\ntorch.load('m.pt')\n", "m.pt": ""})
    assert read(data) == [("SRC-004", "m.mar!handler.py:2")]


def test_references_and_sites_name_the_member() -> None:
    text = "import transformers as t\nt.AutoModel.from_pretrained('o/m')\n"
    found = packed.reading(BytesSource(zip_of({"h.py": text})), "m.mar", {}, Limits())
    assert [(row.name, str(row.where)) for row in found.references] == [("o/m", "m.mar!h.py:2")]


def test_python_that_computes_says_nothing() -> None:
    assert read(zip_of({"h.py": "import torch\nx = torch.zeros(3)\n"})) == []


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4", b"x" * 600, zip_of({"h.py": "def ("}), zip_of({"h.py": HANDLER})[:-30]]
)
def test_what_cannot_be_read_ends_in_nothing(data: bytes) -> None:
    assert [rule for rule, _ in read(data)] in ([], ["SRC-009"])


def test_a_file_past_its_limit_is_left_to_who_inspects_the_archive() -> None:
    assert read(zip_of({"handler.py": HANDLER, "paths.py": PATHS}), code_bytes=10) == []
