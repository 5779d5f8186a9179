"""The text report: what stands where, that it fits, and that nothing from the tree gets out raw."""

import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Component, Inventory, Kind, Location
from sbom.record import replace
from scanner.model import (
    Chain,
    Consulted,
    Coverage,
    Decision,
    Evidence,
    Excluded,
    Finding,
    Level,
    NotChecked,
    Report,
    Status,
    ToolInfo,
    Verdict,
)
from scanner.reports import text
from scanner.reports.page import cells, wrap
from tests import forge_report as forge

TORCH = "pkg:pypi/torch@1.13.0"
MENDED = Location("requirements.txt", line=4)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def finding(
    rule: str = "DEP-001",
    level: Level = "low",
    where: Location | None = None,
    message: str = "numpy is not pinned",
    **more: str,
) -> Finding:
    where = where or Location("requirements.txt", line=1)
    return Finding(
        evidence=Evidence(
            rule,
            where,
            message,
            subject=more.get("subject", ""),
            component=more.get("component", ""),
            aliases=tuple(more.get("aliases", "").split()),
        ),
        title=more.get("title", f"What {rule} is about"),
        level=level,
        potential=level,
        factors=(),
        assumed=(),
        because=more.get("because", f"{level}: the reason"),
        remedy=more.get("remedy", "Pin it"),
        fingerprint=f"v1:{rule}:{where}:{message}",
        status=Status(more.get("status", "open")),
    )


def report(*findings: Finding, **more: object) -> Report:
    base = Report(
        tool=ToolInfo("0.1.0", "1", "", ""),
        target="repo",
        inventory=Inventory(),
        artifacts=(),
        findings=findings,
        sources=(),
        coverage=Coverage("complete", files=3, bytes=4_321, manifests=1),
        verdict=Verdict(0, "info", "A", "eligible", "Nothing found.", "high"),
    )
    return replace(base, **more)


def show(given_report: Report, *, width: int = 80, verbose: int = 0, colour: bool = False) -> str:
    return text.render(given_report, colour=colour, width=width, verbose=verbose)


CALL = finding(
    "ART-001",
    "critical",
    Location("models/a.pt", ("archive/data.pkl",), offset=23),
    "loading this calls posix.system('echo hello')",
    remedy="Do not load it",
)


def everything() -> Report:
    torch = Component(
        TORCH, "torch", Kind.LIBRARY, version="1.13.0+cu117", seen=(Location("requirements.txt", line=4),)
    )
    advisories = [
        finding(
            "ADV-002",
            "high" if i else "critical",
            message=f"problem number {i}",
            subject=f"PYSEC-2022-{i}",
            aliases=f"CVE-2022-{i}",
            component=TORCH,
            remedy="Set torch==2.6.0, which clears all of them",
        )
        for i in range(40)
    ]
    limited = Location("models/big.pkl")
    return report(
        CALL,
        *advisories,
        finding("DEP-001", "medium"),
        finding("COV-001", "medium", limited, "not read to its end"),
        finding("DEP-002", "low", status="waived", message="accepted until spring"),
        inventory=Inventory(components=(torch,)),
        sources=(Consulted("PyPA advisories", "stale", "2024-10-10", 2661),),
        coverage=Coverage(
            "partial",
            files=5,
            bytes=1_234_567,
            outcomes=(("inspected", 2), ("unclaimed", 7)),
            not_checked=(NotChecked(limited, "pickle", "limited", "limit pickle_ops: allowed 400"),),
            excluded=(Excluded(".git", "version control"), Excluded(".venv", "virtual environment")),
            unclaimed_members=12,
        ),
        verdict=Verdict(
            1,
            "critical",
            "F",
            "ineligible",
            "Do not load 1 file; update 1 dependency.",
            "high",
            (("critical", 2), ("high", 39), ("medium", 2)),
        ),
        notices=("The snapshot is 770 days old.",),
    )


def test_the_verdict_is_the_first_line_and_the_exit_code_stands_in_the_last() -> None:
    lines = show(everything(), width=200).splitlines()
    assert lines[0] == "Do not load 1 file; update 1 dependency."
    assert lines[-1] == (
        "Grade F: release ineligible; 2 critical, 39 high, 2 medium; exit code 1: findings at or above high"
    )


def test_the_parts_follow_each_other_as_people_ask() -> None:
    page = show(everything())
    parts = [
        "Do not load",
        "What would run if you load it",
        "Critical (2)",
        "High (39, all shown above with their package)",
        "Medium (2)",
        "Set aside by your policy (1)",
        "Not checked (1)",
        "Left out",
        "What this knows, and as of when",
        "Grade F",
    ]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (0, "nothing at or above medium"),
        (1, "findings at or above medium"),
        (2, "the scan could not be run as asked"),
        (3, "something that should have been checked was not"),
    ],
)
def test_the_last_line_says_what_the_exit_code_means(code: int, meaning: str) -> None:
    verdict = Verdict(code, "info", "A", "eligible", "A sentence.", "medium")
    last = show(report(verdict=verdict), width=150).splitlines()[-1]
    assert f"exit code {code}: " in last
    assert meaning in last


def test_what_would_run_names_file_member_byte_and_call() -> None:
    page = show(report(CALL))
    part = page[page.index("What would run") : page.index("Critical (1)")]
    assert "models/a.pt!archive/data.pkl\n" in part
    assert "loading this calls posix.system('echo hello') (byte 23)" in part


def test_a_call_that_was_shown_once_is_not_told_again_but_its_place_is() -> None:
    page = show(report(CALL))
    assert page.count("posix.system") == 1
    assert "models/a.pt!archive/data.pkl@23" in page


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        pytest.param(Location("train.py", line=41), "train.py:41", id="a line"),
        pytest.param(Location("a.ipynb", line=2, cell=3), "a.ipynb[cell 3]:2", id="a notebook's cell"),
        pytest.param(Location("a.zip", ("b.zip", "c.pkl"), 9), "a.zip!b.zip!c.pkl@9", id="nested members"),
        pytest.param(Location(" a.pkl"), '" a.pkl"', id="a blank that nobody would see"),
        pytest.param(Location("a  b.pkl"), '"a  b.pkl"', id="two blanks"),
        pytest.param(Location("a\n.pkl"), "a\\n.pkl", id="a line break"),
    ],
)
def test_places_are_written_so_that_one_can_go_there(where: Location, shown: str) -> None:
    assert f"      {shown}\n" in show(report(finding(where=where)))


def test_levels_come_worst_first_whatever_the_order_of_the_findings() -> None:
    levels: tuple[Level, ...] = ("low", "critical", "info", "high", "medium")
    page = show(report(*(finding(f"DEP-00{i}", level) for i, level in enumerate(levels, 1))))
    heads = [
        line for line in page.splitlines() if re.fullmatch(r"(Critical|High|Medium|Low|Info) \(1\)", line)
    ]
    assert heads == ["Critical (1)", "High (1)", "Medium (1)", "Low (1)", "Info (1)"]


def test_each_finding_shows_rule_title_place_message_why_and_fix() -> None:
    page = show(report(finding(title="Not pinned", because="weakens, on use", remedy="Commit a lock")))
    block = page[page.index("DEP-001") :]
    for part in (
        "DEP-001  Not pinned",
        "requirements.txt:1",
        "numpy is not pinned",
        "Why: weakens",
        "Fix: Commit a lock",
    ):
        assert part in block


def test_many_findings_of_one_rule_are_one_block_with_why_and_fix_once() -> None:
    page = show(report(*(finding(where=Location("requirements.txt", line=i)) for i in range(1, 301))))
    assert "DEP-001  What DEP-001 is about (300 times)" in page
    assert page.count("Why:") == 1
    assert page.count("Fix:") == 1
    assert page.count("requirements.txt:") == 8
    assert "and 292 more; --format json lists all" in page


def test_what_could_be_worse_than_it_is_shown_says_so() -> None:
    page = show(report(replace(finding("COV-001", "medium", title="Not read"), potential="high")))
    assert "COV-001  Not read (could be high, were it confirmed)" in page


def test_a_fix_that_differs_from_place_to_place_stands_with_its_place() -> None:
    page = show(report(finding(remedy="Pin a"), finding(where=Location("s.txt", line=2), remedy="Pin b")))
    assert page.index("requirements.txt:1") < page.index("Fix: Pin a") < page.index("s.txt:2")
    assert page.index("s.txt:2") < page.index("Fix: Pin b")
    assert page.count("Why:") == 1


@pytest.mark.parametrize(("verbose", "shown"), [(0, 8), (1, 50), (2, 300)])
def test_verbose_lengthens_the_lists(verbose: int, shown: int) -> None:
    rows = (finding(where=Location("requirements.txt", line=i)) for i in range(1, 301))
    assert show(report(*rows), verbose=verbose).count("requirements.txt:") == shown


def test_one_package_with_forty_advisories_is_one_block_with_the_version_that_clears_it() -> None:
    page = show(everything())
    assert page.count("torch 1.13.0+cu117") == 1
    assert page.count("Set torch==2.6.0, which clears all of them") == 1
    assert "PYSEC-2022-0 (CVE-2022-0): problem number 0" in page
    assert "and 32 more; --format json lists all" in page
    assert page.index("Critical (2)") < page.index("torch 1.13.0+cu117") < page.index("High (39")


def test_a_package_is_named_once_and_so_is_the_advisory() -> None:
    message = "torch 1.13.0+cu117: PYSEC-2022-1: it evaluates comments. Fixed in 1.13.1."
    row = finding("ADV-002", "high", message=message, subject="PYSEC-2022-1", component=TORCH)
    page = show(report(row, inventory=everything().inventory), width=120)
    assert "ADV-002 high     PYSEC-2022-1: it evaluates comments. Fixed in 1.13.1." in page
    assert page.count("torch") == 1


def test_a_package_is_sought_first_where_it_is_to_be_mended() -> None:
    component = replace(everything().inventory.components[0], seen=(Location("a.toml", line=2), MENDED))
    row = finding("ADV-002", "high", MENDED, component=TORCH)
    page = show(report(row, inventory=Inventory(components=(component,))))
    assert "torch 1.13.0+cu117  in requirements.txt:4 and 1 more place" in page


def test_what_the_policy_decided_says_why_by_whom_and_until_when() -> None:
    decision = Decision(
        "waiver", "sandboxed loader", "waivers.toml#2", "ml-platform", ("ann", "bob"), "", "2027-02-28"
    )
    page = show(report(replace(finding(status="waived"), decision=decision)), width=120)
    assert "Why: sandboxed loader; ml-platform, ann, bob; until 2027-02-28; waivers.toml#2" in page


def test_what_a_baseline_knows_shows_its_dates() -> None:
    old = replace(finding(), known=True, first_seen="2026-10-01", due="2026-10-15")
    page = show(report(old), width=120)
    assert "requirements.txt:1 (in the baseline since 2026-10-01, to be mended by 2026-10-15)" in page


def test_an_advisory_without_its_component_in_the_inventory_is_still_shown() -> None:
    page = show(report(finding("ADV-004", "critical", message="known bad", component="pkg:pypi/x@1")))
    assert "pkg:pypi/x@1  in requirements.txt:1" in page
    assert "known bad" in page


def test_an_advisory_about_no_component_is_shown_as_any_finding() -> None:
    assert "about the feed" in show(report(finding("ADV-005", "low", message="about the feed")))


def test_what_was_not_checked_says_why_in_words_and_is_not_told_twice() -> None:
    page = show(everything())
    part = page[page.index("Not checked (1)") : page.index("Left out")]
    assert "a limit ended the reading before the file did" in part
    assert "models/big.pkl (pickle): limit pickle_ops: allowed 400" in part
    assert 'listed below, under "Not checked"' in page
    assert page.count("models/big.pkl") == 1


def test_a_coverage_finding_that_no_row_repeats_is_shown_in_full() -> None:
    page = show(report(finding("COV-002", "medium", Location("."), "no advisory snapshot was found")))
    assert "no advisory snapshot was found" in page


def test_an_outcome_that_this_report_has_no_words_for_is_shown_as_it_is() -> None:
    row = NotChecked(Location("a"), "b", "eaten-by-a-grue", "it was dark")
    coverage = Coverage("partial", 1, 1, not_checked=(row,))
    assert "eaten-by-a-grue (1)" in show(report(coverage=coverage))


def test_a_complete_scan_says_that_nothing_was_left_unchecked() -> None:
    page = show(report())
    assert "Findings: none" in page
    assert "Not checked: nothing that should have been" in page


def test_nothing_to_scan_claims_no_completeness() -> None:
    assert "Not checked" not in show(report(coverage=Coverage("complete", 0, 0)))


def test_what_was_left_out_is_counted_by_its_rule() -> None:
    part = show(everything())
    part = part[part.index("Left out") :]
    assert "version control: 1 left out (.git)" in part
    assert "7 files of kinds that nothing here reads" in part
    assert "12 members of archives" in part


def test_sources_say_their_state_and_date() -> None:
    page = show(everything())
    assert "PyPA advisories: stale, as of 2024-10-10, 2,661 records" in page
    assert "Note: The snapshot is 770 days old." in page


def test_findings_that_the_policy_set_aside_are_named_and_not_counted_among_the_others() -> None:
    page = show(report(finding(status="waived"), finding("DEP-002", "high", status="disputed")))
    assert "Findings: none" in page
    assert "waived, low: DEP-001 requirements.txt:1" in page
    assert "disputed, high: DEP-002" in page


@pytest.mark.parametrize("width", [0, 20, 40, 61, 80, 120, 400])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = finding(
        where=Location("a" * 90 + "/" + "b" * 200, ("漢字" * 60,), offset=7),
        message="x" * 500 + " " + "漢" * 99,
    )
    named = finding("ADV-002", "high", component="pkg:pypi/" + "n" * 300, message="m" * 300)
    page = show(report(CALL, long, named, *everything().findings), width=width)
    assert max(map(cells, page.splitlines())) <= max(width, 40)


def test_a_long_path_breaks_between_its_parts_and_loses_nothing() -> None:
    path = "/".join(f"folder-number-{i}" for i in range(12)) + "/model.safetensors"
    page = show(report(finding(where=Location(path, ("archive/data.pkl",), 12_345))), width=60)
    lines = page.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("      folder-number-0"))
    pieces = []
    while lines[start].startswith("      ") and not lines[start].startswith("        "):
        pieces.append(lines[start].strip())
        start += 1
    assert "".join(pieces) == f"{path}!archive/data.pkl@12345"
    assert all(piece.endswith(("/", "!", "@", "12345")) for piece in pieces)


@given(st.text(max_size=200), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_wrapping_keeps_every_character_but_blanks_and_every_line_within_the_room(
    line: str, room: int
) -> None:
    rows = wrap(line.replace(":", "").replace("#", ""), room)
    assert "".join(rows).replace(" ", "") == re.sub("[ :#]", "", line)
    assert all(cells(row) <= max(room, 2) for row in rows)


@given(st.text(alphabet=":#[]vso ax/", max_size=120), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
def test_no_name_becomes_a_command_of_the_ci_runner(name: str, room: int) -> None:
    for row in wrap(name, room):
        assert not row.lstrip().startswith("::")
        assert not re.search(r"##\w*\[", row)


@pytest.mark.parametrize(
    "name", ["::stop-commands::x", "##vso[task.setvariable]x", "##[error]x", "##teamcity[x]"]
)
@pytest.mark.parametrize("width", [40, 80])
def test_a_file_named_like_a_command_of_the_ci_runner_is_only_a_name(name: str, width: int) -> None:
    spot = Location(name, (name,))
    source = Consulted(name, "current", detail=name)
    page = show(
        report(
            finding("ART-001", "high", spot, f"{'x' * 60} {name}", title=name, remedy=name, because=name),
            finding("ADV-001", "high", spot, name, component=name, aliases=name),
            sources=(source,),
            target=name,
            notices=(name,),
            coverage=Coverage("partial", 1, 1, not_checked=(NotChecked(spot, name, name, name),)),
        ),
        width=width,
    )
    lines = [line.strip() for line in page.splitlines()]
    assert not [line for line in lines if line.startswith("::") or re.search(r"##\w*\[", line)]


HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\u202egpj.exe\u202c\r\n::error::x\u2028\x9b31m\udcff\U000e0041[bold]x[/bold]"
)


def hostile_report() -> Report:
    place = Location(HOSTILE, (HOSTILE,), 1)
    component = Component("pkg:pypi/evil", HOSTILE, Kind.LIBRARY, version=HOSTILE, seen=(place,))
    row = finding(
        "ADV-002", "high", place, HOSTILE, component="pkg:pypi/evil", subject=HOSTILE, because=HOSTILE
    )
    return report(
        row,
        finding("ART-001", "critical", place, HOSTILE, remedy=HOSTILE, title=HOSTILE),
        finding("ADV-003", "low", place, HOSTILE, component=HOSTILE),
        finding("DEP-001", "low", place, HOSTILE, status="waived"),
        target=HOSTILE,
        inventory=Inventory(components=(component,)),
        sources=(Consulted(HOSTILE, HOSTILE, HOSTILE, 1, detail=HOSTILE),),
        coverage=Coverage(
            "partial",
            1,
            1,
            not_checked=(NotChecked(place, HOSTILE, HOSTILE, HOSTILE),),
            excluded=(Excluded(HOSTILE, HOSTILE),),
        ),
        verdict=Verdict(1, "high", "D", "ineligible", f"Do not load {HOSTILE}", "high"),
        notices=(HOSTILE,),
    )


@pytest.mark.parametrize("colour", [False, True])
def test_nothing_from_the_tree_reaches_the_terminal_raw(colour: bool) -> None:
    page = show(hostile_report(), colour=colour)
    bare = ESCAPES.sub("", page) if colour else page
    hidden = {c for c in bare if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert hidden == set()
    assert "[bold]x[/bold]" in bare  # markup of the renderer is no more special than anything else
    assert not any(line.lstrip().startswith("::") for line in bare.splitlines())


@pytest.mark.parametrize("make", [everything, hostile_report, report], ids=["everything", "hostile", "clean"])
def test_the_coloured_page_is_the_plain_page_with_escapes_and_nothing_else(make: object) -> None:
    assert callable(make)
    plain, coloured = show(make()), show(make(), colour=True)
    assert ESCAPES.sub("", coloured) == plain
    assert "\x1b[" in coloured
    assert "\x1b" not in plain


def test_the_colours_do_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    before = show(everything(), colour=True)
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb"), ("COLUMNS", "7"), ("FORCE_COLOR", "0")):
        monkeypatch.setenv(name, value)
    assert show(everything(), colour=True) == before


def test_shuffled_findings_give_the_same_page() -> None:
    whole = everything()
    turned = replace(whole, findings=tuple(reversed(whole.findings)))
    sort_aside = show(turned)
    assert sort_aside == show(whole)


def test_a_page_ends_in_exactly_one_line_break_and_has_no_trailing_blanks() -> None:
    page = show(everything())
    assert page.endswith("\n")
    assert not page.endswith("\n\n")
    assert all(line == line.rstrip() for line in page.splitlines())
    assert "\n\n\n" not in page


def test_a_plain_page_imports_no_renderer() -> None:
    code = (
        "import sys; import scanner.reports.text as t; from scanner.model import *; from sbom.model import *;"
        "r = Report(ToolInfo('','','',''), '.', Inventory(), (), (), (), Coverage('complete', 0, 0),"
        " Verdict(0, 'info', 'A', 'eligible', 'Fine.', 'high'));"
        "t.render(r, colour=False, width=80); print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_hundred_thousand_findings_are_summed_up_in_a_screen_or_two() -> None:
    row = finding()
    many = tuple(replace(row, fingerprint=str(i)) for i in range(100_000))
    assert len(show(report(*many)).splitlines()) < 60


def test_each_way_to_a_level_is_told_once_and_with_v_at_each_place() -> None:
    rows = [
        finding("ART-004", "high", Location(f"{n}.pkl"), f"said of {n}", because=f"way {n % 2}")
        for n in range(6)
    ]
    page = show(report(*rows))
    assert page.count("Why (3 times): way 0") == page.count("Why (3 times): way 1") == 1
    assert page.count("Why") == 2
    assert show(report(*rows), verbose=1).count("Why: way ") == 6


def test_what_would_run_names_the_line_that_loads_it() -> None:
    chain = Chain(
        where=Location("train.py", line=18),
        api="torch.load",
        loads="models/a.pt",
        artifacts=(CALL.evidence.where,),
    )
    page = show(report(CALL, chains=(chain,)))
    assert "    loaded by train.py:18 (torch.load)" in page
    assert "loaded by" not in show(report(CALL))


def test_what_an_earlier_state_had_was_there_before_and_is_in_no_baseline() -> None:
    page = show(report(replace(finding(), known=True)))
    assert "requirements.txt:1 (was there before this change)" in page
    assert "baseline" not in page


def test_along_a_chain_the_same_is_said_once() -> None:
    holes = [
        finding(
            "ADV-002", "high", MENDED, f"hole {n}", component=TORCH, title="A known hole", subject=f"CVE-{n}"
        )
        for n in range(3)
    ]
    torch = Component(TORCH, "torch", Kind.LIBRARY, version="1.13.0", seen=(MENDED,))
    chain = Chain(where=Location("train.py", line=18), api="torch.load", loads="x", library=TORCH)
    page = show(report(*holes, inventory=Inventory(components=(torch,)), chains=(chain,)))
    assert page.partition("What is loaded")[2].count("ADV-002 high: A known hole (3 times)") == 1


def test_a_summary_says_a_package_by_its_name_and_malware_together() -> None:
    bad = [
        finding(
            "ADV-004", "critical", message=f"bad {n}", component=f"pypi:bad{n}@1", remedy=f"remove bad{n}"
        )
        for n in range(3)
    ]
    torch = Component(TORCH, "torch", Kind.LIBRARY, version="1.13.0", seen=(MENDED,))
    hole = finding(
        "ADV-002", "high", MENDED, component=TORCH, title="A known hole", remedy="set torch==2.6.0"
    )
    given_report = report(*bad, hole, CALL, inventory=Inventory(components=(torch,)))
    page = text.render(given_report, colour=False, width=80, extent="summary")
    assert "1. critical: What ADV-004 is about (3 times)" in page
    assert "Fix: remove bad0 (and 2 more fixes)" in page
    assert "3. high: torch 1.13.0: A known hole" in page
    assert text.render(given_report, colour=False, width=80, extent="verdict") == "Nothing found.\n"


@given(forge.reports(), st.integers(40, 100))
def test_a_summary_of_any_report_fits_and_keeps_its_first_and_last_line(
    any_report: Report, width: int
) -> None:
    full = text.render(any_report, colour=False, width=width).splitlines()
    brief = text.render(any_report, colour=False, width=width, extent="summary").splitlines()
    assert brief[0] == full[0]
    assert brief[-1] == full[-1]
    assert max(map(cells, brief)) <= width
    assert len(brief) <= 80
