"""The HTML report as bytes: nothing scanned is markup, and the policy allows what is ours alone."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from sbom.model import Component, Inventory, Kind, Location
from sbom.record import replace
from scanner.model import Evidence, Finding, Report
from scanner.reports import web, web_findings
from scanner.reports.markup import Markup, element, table
from tests import forge_report as forge
from tests.reports.test_formats import HOSTILE, many

VOID = {"meta", "link", "input", "line", "br"}
OURS = {
    "class",
    "id",
    "href",
    "rel",
    "role",
    "tabindex",
    "hidden",
    "scope",
    "type",
    "value",
    "checked",
    "lang",
}
OURS |= {"charset", "content", "http-equiv", "name", "autocomplete", "spellcheck"}
DRAWN = {"viewbox", "width", "height", "d", "fill", "stroke", "transform", "rx", "x", "y"}


class Reading(HTMLParser):
    """What a browser would see: elements that balance, attributes, texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inline: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.inline[self.open[-1]] = self.inline.get(self.open[-1], "") + data
        else:
            self.texts.append(data)


def read(report: Report) -> Reading:
    page = Reading(web.render(report).decode("utf-8"))
    assert page.open == []
    return page


def shape(page: Reading) -> list[str]:
    return [tag for tag, _ in page.tags]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_word_of_the_tree_is_markup(text: str) -> None:
    page = read(forge.hostile_report(text))
    assert set(shape(page)) == set(shape(read(forge.hostile_report("calm"))))
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert name in OURS | DRAWN or name.startswith(("aria-", "data-")), (tag, name)
            assert not name.startswith("on")
            if name == "href":
                assert value is not None
                assert re.match(r"#[a-z0-9-]+$|data:,$|https://", value), value


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "</details><script>x</script>", '"><b>', "a & b"]
)
def test_a_file_called_like_markup_is_shown_as_that(text: str) -> None:
    report = forge.report()
    named = forge.finding(Evidence("ART-001", Location(f"models/{text}"), text, text), fingerprint="v1:named")
    page = read(replace(report, findings=(named,)))
    assert f"models/{text}" in page.texts
    assert text in page.texts


def test_the_policy_allows_our_style_and_script_by_their_hashes_and_nothing_else() -> None:
    page = read(forge.report())
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for kind in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.inline[kind].encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in policy
    assert [name for _, attributes in page.tags for name in attributes if name == "style"] == []


def test_nothing_is_loaded_from_anywhere() -> None:
    page = read(forge.report())
    assert (
        set(shape(page))
        & {
            "img",
            "iframe",
            "object",
            "embed",
            "base",
            "form",
            "audio",
            "video",
        }
        == set()
    )
    assert [attributes for _, attributes in page.tags if "src" in attributes or "srcset" in attributes] == []
    assert "url(" not in page.inline["style"]
    assert "@import" not in page.inline["style"]
    assert not re.search(r"fetch|XMLHttp|WebSocket|innerHTML|eval|import\(", page.inline["script"])


@given(forge.reports())
def test_any_report_is_a_page_that_balances(report: Report) -> None:
    read(report)


@pytest.mark.parametrize(
    ("address", "linked"),
    [
        ("https://example.org/a?id=1#x", True),
        ("http://example.org/", False),
        ("javascript:alert(1)", False),
        ("https://user@example.org/", False),
        ("https://example.org:443/", False),
        ("https://exämple.org/", False),
        ('https://example.org/"onclick=', False),
        ("data:text/html,x", False),
    ],
)
def test_only_plain_https_becomes_a_link(address: str, linked: bool) -> None:
    evidence = Evidence("ADV-002", Location("requirements.txt"), "said", "x", references=(address,))
    page = read(replace(forge.report(), findings=(forge.finding(evidence),)))
    assert (
        [attributes for tag, attributes in page.tags if attributes.get("href") == address] != []
    ) is linked
    assert address in page.texts


def test_a_text_cannot_be_passed_off_as_markup() -> None:
    assert element("p", "<b>") == "<p>&lt;b&gt;</p>"
    assert element("p", element("b", "&")) == "<p><b>&amp;</b></p>"
    assert element("p", title='"><x>') == '<p title="&quot;&gt;&lt;x&gt;"></p>'
    assert isinstance(table("<c>", ("<d>",), [("<e>",)]), Markup)
    assert "<e>" not in table("<c>", ("<d>",), [("<e>",)])


def test_of_twenty_thousand_findings_most_are_rows_that_say_once_what_they_share() -> None:
    page = web.render(many(20_000)).decode()
    assert page.count('<details class="finding ') == 200
    assert page.count("\n<tr><th scope=row>") == 20_000 - 200
    assert page.count("Do not load it. Take a safetensors build") < 400
    assert len(page) < 6_000_000


def test_what_the_rows_of_a_table_do_not_share_stands_in_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_findings, "IN_FULL", 0)
    loose = Evidence("DEP-001", Location("a.txt", line=1), "said of a", "a")
    found = (
        forge.finding(loose, remedy="pin a", fingerprint="v1:a"),
        forge.finding(replace(loose, where=Location("b.txt")), remedy="pin b", fingerprint="v1:b"),
    )
    page = web.render(replace(forge.report(), findings=found)).decode()
    columns = re.findall(
        r'<th scope="col">([^<]+)</th>', page.partition('id="further"')[2].partition("</table>")[0]
    )
    assert columns == ["where", "what was found", "What to do", "fingerprint"]
    assert "<tr><th scope=row>a.txt:1</th><td>said of a</td><td>pin a</td><td>v1:a</td></tr>" in page
    assert page.partition('id="further"')[2].count("a plausible adversary and a load by hand") == 1


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_word_of_the_tree_is_markup_in_a_row_either(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_findings, "IN_FULL", 0)
    page = read(forge.hostile_report(text))
    assert set(shape(page)) == set(shape(read(forge.hostile_report("calm"))))


def test_what_is_said_first_is_the_verdict() -> None:
    page = web.render(forge.report()).decode()
    order = [
        page.index(text)
        for text in ("Do not load models/encoder.pt.", "What would run if", "The risky paths")
    ]
    order += [page.index(f'id="{key}"') for key in ("findings-part", "components", "coverage", "sources")]
    assert order == sorted(order)
    for text in ("ineligible", "fails from high on", "loaded only in the sandbox", "not read in depth"):
        assert text in page


def test_the_picture_names_what_a_line_asks_for_and_keeps_a_package_together() -> None:
    def hole(name: str, number: int, rule: str) -> Finding:
        evidence = Evidence(
            rule,
            Location("r.txt", line=len(name)),
            "",
            f"CVE-2024-{number}",
            component=f"pypi:{name}@1",
            aliases=(f"CVE-2024-{number}",),
        )
        return forge.finding(evidence, "medium", fingerprint=f"v1:{number}")

    data = Component("hub:d", "datasets/imdb", Kind.DATA, seen=(Location("train.py", line=22),))
    packages = tuple(
        Component(f"pypi:{name}@1", name, Kind.LIBRARY, version="1", ecosystem="pypi") for name in ("a", "bb")
    )
    loose = forge.finding(
        Evidence("DAT-001", Location("train.py", line=22), "", "hub:imdb"), "medium", title="Moves"
    )
    found = (
        hole("a", 1, "ADV-002"),
        hole("bb", 2, "ADV-002"),
        hole("a", 3, "ADV-003"),
        hole("bb", 4, "ADV-003"),
        loose,
    )
    report = replace(
        forge.report(), findings=found, inventory=Inventory(components=(data, *packages)), chains=()
    )
    words = web.render(report).decode().partition("The same paths as text")[2].partition("</ol>")[0]
    assert "code train.py:22 → data set imdb → medium DAT-001 Moves" in words
    order = [words.index(f"CVE-2024-{number}") for number in (1, 3, 2, 4)]
    assert order == sorted(order)
