"""pip.conf: indexes and waiting time."""

import pytest

from sbom.model import Location
from scanner.manifests import pip_conf
from scanner.model import CoolDown, IndexUse, Reading

WHERE = Location("pip.conf")


def read(text: str) -> list[Reading]:
    return list(pip_conf.parse(text.encode(), WHERE))


def use(url: str, line: int, **more: bool) -> IndexUse:
    return IndexUse(url, WHERE.at(line=line), **more)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param("[global]\ntimeout = 60\n", [], id="nothing of it"),
        pytest.param("[global]\nfind-links = ./wheels\n", [], id="a folder of links"),
        pytest.param(
            "[global]\nindex-url = https://a.example/simple\n",
            [use("https://a.example/simple", 2)],
            id="index",
        ),
        pytest.param(
            "[install]\nextra-index-url = https://a.example/simple https://b.example/simple\n",
            [
                use("https://a.example/simple", 2, extra=True),
                use("https://b.example/simple", 2, extra=True),
            ],
            id="two on a line",
        ),
        pytest.param(
            "[global]\nextra-index-url =\n    https://a.example/simple\n\n    # b\n    https://b.example/simple\n",
            [
                use("https://a.example/simple", 3, extra=True),
                use("https://b.example/simple", 6, extra=True),
            ],
            id="two on lines of their own",
        ),
        pytest.param(
            "[global]\ntrusted-host = a.example\nfind-links = http://a.example/w\n",
            [
                use("a.example", 2, explicit=True, trusted=True),
                use("http://a.example/w", 3, extra=True, flat=True),
            ],
            id="a host and a page of links",
        ),
        pytest.param(
            "[global]\nindex-url = https://me:secret@a.example/simple\n",
            [use("https://a.example/simple", 2, had_credentials=True)],
            id="credentials",
        ),
    ],
)
def test_indexes_are_read_with_their_lines(text: str, rows: list[Reading]) -> None:
    assert read(text) == rows


def test_the_waiting_time_is_read_beside_them() -> None:
    rows = read("[global]\nindex-url = https://a.example/simple\nuploaded-prior-to = P7D\n")
    assert [type(row) for row in rows] == [CoolDown, IndexUse]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "[global]\nExtra_Index_Url: https://a.example/simple\n", id="colon, case and underscores"
        ),
        pytest.param("[global]\r\nextra-index-url = https://a.example/simple\r\n", id="Windows lines"),
        pytest.param(
            "\ufeff[global]\nextra-index-url = 'https://a.example/simple'\n", id="a mark and quotes"
        ),
        pytest.param("extra-index-url=https://a.example/simple\n", id="no section"),
    ],
)
def test_evasions_are_seen(text: str) -> None:
    assert [row.url for row in read(text) if isinstance(row, IndexUse)] == ["https://a.example/simple"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("  https://a.example/simple\n", id="a value of no key"),
        pytest.param("[global]\n# extra-index-url = https://a.example/simple\n", id="a comment"),
        pytest.param("[extra-index-url]\n  https://a.example/simple\n", id="a section of that name"),
        pytest.param("\x00\x01\xff", id="no text"),
    ],
)
def test_broken_files_say_nothing(text: str) -> None:
    assert read(text) == []
