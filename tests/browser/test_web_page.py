"""The HTML report in a real browser: it renders, filters, asks for nothing, and is there for everybody."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbom.model import Location
from sbom.record import replace
from scanner.model import Evidence, Report, Status
from scanner.reports import web
from tests import forge_report as forge
from tests.browser.chromium import Browser, program, wait
from tests.reports.test_formats import HOSTILE, many

pytestmark = pytest.mark.skipif(program() is None, reason="no chromium here (apt-get install chromium)")

AXE = Path(os.environ.get("WEIGHBRIDGE_AXE", ".venv/axe/node_modules/axe-core/axe.min.js"))
NAMES = (
    "<img src=x onerror=alert(1)>.pkl",
    '"><script>alert(1)</script>.pkl',
    "a\nb.pkl",
    "weights_\u202egpj.pkl",
    "\x1b[2Jclean.pkl",
    "javascript:alert(1)",
    "%3Cscript%3E.html",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one


@pytest.fixture(autouse=True)
def calm(browser: Browser) -> None:
    browser.scripts(allowed=True)
    browser.look(width=1200)


def hostile_names() -> Report:
    """The realistic report, and a finding in a file of every hostile name."""
    found = tuple(
        forge.finding(
            Evidence("ART-001", Location(name), f"loading {name} runs a command", name),
            fingerprint=f"v1:{name}",
        )
        for name in (*NAMES, *HOSTILE.values())
    )
    report = forge.report()
    return replace(report, findings=(*report.findings, *found))


def laid(folder: Path, report: Report) -> Path:
    """The page in a folder that also holds files of hostile names."""
    for name in NAMES:
        (folder / name.replace("/", "\u2215")).write_bytes(b"\x80\x04.")
    page = folder / "report.html"
    page.write_bytes(web.render(report))
    return page


def test_it_opens_beside_hostile_files_without_a_word_a_request_or_a_breach(
    browser: Browser, tmp_path: Path
) -> None:
    page = laid(tmp_path, hostile_names())
    browser.open(page)
    browser.settle()
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri(), "data:,"] or browser.requests() == [page.as_uri()]
    assert browser.run("document.querySelectorAll('img, iframe, object, embed, form, base').length") == 0
    assert browser.run("document.scripts.length") == 1
    shown = browser.run("[...document.querySelectorAll('.finding .path')].map(one => one.textContent)")
    assert "<img src=x onerror=alert(1)>.pkl" in shown
    assert "weights_\\u202egpj.pkl" in shown
    assert "\\x1b[2Jclean.pkl" in shown


def test_a_script_that_is_not_ours_would_be_refused(browser: Browser, tmp_path: Path) -> None:
    page = laid(tmp_path, forge.report())
    marked = page.read_bytes().replace(b"</main>", b"<script>document.title = 'owned'</script></main>")
    page.write_bytes(marked)
    browser.open(page)
    browser.settle()
    assert browser.run("document.title") != "owned"
    assert "script" in " ".join(browser.complaints())


def visible_findings(browser: Browser) -> int:
    count: int = browser.run(
        "[...document.querySelectorAll('.finding')].filter(one => one.checkVisibility()).length"
    )
    return count


def choose(browser: Browser, key: str, value: str) -> None:
    browser.run(
        f"(() => {{ const one = document.getElementById('{key}'); one.value = '{value}';"
        " one.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def test_it_filters_by_level_standing_family_and_words_and_says_how_many(
    browser: Browser, tmp_path: Path
) -> None:
    browser.open(laid(tmp_path, forge.report()))
    assert visible_findings(browser) == 7
    browser.run("document.querySelector('[data-filter=level][value=high]').click()")
    assert visible_findings(browser) == 4
    assert browser.run("document.getElementById('count').textContent") == "4 of 7 findings"
    browser.run("document.querySelector('[data-filter=level][value=high]').click()")
    choose(browser, "stands", "set aside")
    assert visible_findings(browser) == 2
    choose(browser, "stands", "-")
    choose(browser, "family", "ADV")
    assert visible_findings(browser) == 2
    choose(browser, "family", "-")
    browser.run("document.getElementById('search').focus()")
    browser.send("Input.insertText", text="REQUESTS has")
    assert wait(lambda: visible_findings(browser) == 1)
    assert browser.run("document.getElementById('count').getAttribute('aria-live')") == "polite"
    assert browser.complaints() == []


def test_it_sorts_by_place(browser: Browser, tmp_path: Path) -> None:
    browser.open(laid(tmp_path, forge.report()))
    places = "[...document.querySelectorAll('.finding > summary .path')].map(one => one.textContent)"
    first = browser.run(places)
    choose(browser, "order", "place")
    assert browser.run(places) == sorted(first)
    choose(browser, "order", "-")
    assert browser.run(places) == first


def test_components_are_searched(browser: Browser, tmp_path: Path) -> None:
    browser.open(laid(tmp_path, forge.report()))
    browser.run("document.querySelector('[data-rows]').focus()")
    browser.send("Input.insertText", text="gradio")
    rows = "[...document.querySelectorAll('#component-rows tr')].filter(row => row.checkVisibility()).length"
    assert wait(lambda: browser.run(rows) == 1)


def test_the_keyboard_is_enough(browser: Browser, tmp_path: Path) -> None:
    browser.open(laid(tmp_path, forge.report()))
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.className") == "skip"
    browser.run("document.querySelector('.finding > summary').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.run("document.querySelector('.finding').open") is True
    assert "What to do" in browser.run("document.querySelector('.finding').innerText")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert browser.run(outline) == "solid"


def test_without_scripts_everything_is_there_and_no_control_that_does_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    browser.scripts(allowed=False)
    browser.open(laid(tmp_path, many(300)))
    assert browser.run("document.querySelectorAll('.finding').length") == 200
    assert browser.run("document.querySelectorAll('#further tbody tr').length") == 100
    assert browser.run("document.querySelector('#further > h3').checkVisibility()") is True
    assert (
        browser.run("[...document.querySelectorAll('.tools, #more')].some(one => one.checkVisibility())")
        is False
    )
    assert visible_findings(browser) == 200
    assert browser.complaints() == []


def test_without_styles_the_text_still_reads_in_order(browser: Browser, tmp_path: Path) -> None:
    browser.open(laid(tmp_path, forge.report()))
    browser.run("document.querySelector('style').remove()")
    text = browser.run("document.body.innerText")
    told = [
        text.index(word)
        for word in ("Do not load models/encoder.pt.", "What would run if", "The risky paths")
    ]
    assert told == sorted(told)


@pytest.mark.parametrize("width", [360, 800, 1440])
def test_no_width_makes_the_page_scroll_sideways(browser: Browser, tmp_path: Path, width: int) -> None:
    browser.look(width=width)
    browser.open(laid(tmp_path, hostile_names()))
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    browser.settle()
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_on_paper_every_drawer_is_open(browser: Browser, tmp_path: Path) -> None:
    browser.open(laid(tmp_path, forge.report()))
    browser.look(width=800, media="print")
    shown = browser.run(
        "[...document.querySelectorAll('.finding .body')].every(one => one.checkVisibility())"
    )
    assert shown is True
    assert browser.run("document.getElementById('tools').checkVisibility()") is False
    browser.look(width=1200)


def test_twenty_thousand_findings_come_a_page_at_a_time_and_all_are_searched(
    browser: Browser, tmp_path: Path
) -> None:
    browser.open(laid(tmp_path, many(20_000)))
    assert visible_findings(browser) == 100
    browser.run("document.getElementById('more').click()")
    assert visible_findings(browser) == 200
    assert browser.run("document.activeElement.tagName") == "SUMMARY"
    browser.run("document.getElementById('more').click()")
    assert visible_findings(browser) == 300
    browser.run("document.getElementById('search').focus()")
    browser.send("Input.insertText", text="models/19999.pkl")
    assert wait(lambda: visible_findings(browser) == 1)
    assert browser.complaints() == []


def test_a_row_opens_as_the_drawer_that_it_would_have_been(browser: Browser, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    evidence = Evidence(
        "ADV-002",
        Location(f"models/{hostile}"),
        f"{hostile} is affected",
        "CVE-2024-1",
        remedy=f"update {hostile}",
        references=("https://example.org/a?id=1", "javascript:alert(1)"),
    )
    last = forge.finding(evidence, "info", title="Known", fingerprint="v1:last", status=Status.DISPUTED)
    other = replace(
        last, fingerprint="v1:other", remedy="update the other", evidence=replace(evidence, references=())
    )
    report = many(250)
    browser.open(laid(tmp_path, replace(report, findings=(*report.findings, last, other))))
    choose(browser, "stands", "set aside")
    assert visible_findings(browser) == 2
    assert (
        browser.run("[...document.querySelectorAll('.finding .badge')].map(one => one.textContent)")
        == ["info"] * 2
    )
    browser.run("for (const one of document.querySelectorAll('.finding')) one.open = true")
    said = browser.run("document.querySelector('.finding').textContent")
    for words in (
        f"models/{hostile}",
        f"{hostile} is affected",
        f"update {hostile}",
        "v1:last",
        "set aside",
        "ADV-002",
    ):
        assert words in said
    assert browser.run("[...document.querySelectorAll('#findings a')].map(one => one.href)") == [
        "https://example.org/a?id=1"
    ]
    assert browser.run("document.querySelectorAll('img').length") == 0
    choose(browser, "order", "text")
    assert visible_findings(browser) == 2


@pytest.mark.skipif(not AXE.is_file(), reason=f"no axe-core at {AXE} (.ci/run installs it)")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_an_automated_check_finds_nothing_that_keeps_anybody_out(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    browser.look(width=width, dark=dark)
    browser.open(laid(tmp_path, hostile_names()))
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    browser.send("Runtime.evaluate", expression=AXE.read_text(encoding="utf-8"))
    found = browser.run(
        "axe.run(document, {resultTypes: ['violations']}).then(said => said.violations.map(one =>"
        " `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 150)}`))"
    )
    assert found == []
