"""Settings: read with care, each with its origin, and never laxer than the packs."""

import re
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from sbom.model import Location
from scanner.errors import ConfigurationError
from scanner.policy import config
from scanner.policy.choose import Choice, decide
from scanner.policy.config import Settings
from scanner.policy.model import Policy
from tests.policy.make import SHA, TODAY

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

FULL = f"""\
packs = ["release"]
context = "internal"
fail-on = "medium"
refresh = "daily"
exclude = ["data/"]
private = ["acme-*"]
product = "pkg:github/acme/ours"
require-inputs = true
jobs = 2
vex = ["vex/ours.json"]
baseline = "base.json"

[advisories]
path = "osv.zip"
url = "https://example.org/osv.zip"
max-age-days = 3
kev = "/srv/kev.json"

[[waivers]]
rule = "ART-003"
reason = "trained in-house"
owner = "ml"
expires = 2026-04-01

[[allow]]
name = "ours.Model"
sha256 = "{SHA}"
reason = "read"
owner = "ml"

[[paths]]
glob = "tests/"
trigger = "unreachable"
reason = "never shipped"

[[paths]]
glob = "old/"
exclude = true
reason = "history"
"""


def in_pyproject(text: str) -> str:
    """The same settings as a section of pyproject.toml."""
    moved = re.sub(r"(?m)^(\[\[?)", r"\1tool.weighbridge.", text)
    return f'[project]\nname = "x"\n\n[tool.weighbridge]\n{moved}'


def settings(text: str = "", file: str = "weighbridge.toml", **options: Any) -> Settings:
    """What is in force."""
    return config.resolve(config.load(text.encode(), file), config.on_line(**options))


@pytest.mark.parametrize(
    ("text", "file"),
    [
        pytest.param(FULL, "weighbridge.toml", id="a file of its own"),
        pytest.param(in_pyproject(FULL), "pyproject.toml", id="a section of pyproject.toml"),
    ],
)
def test_every_key_reaches_the_policy(text: str, file: str) -> None:
    said = settings(text, file)
    policy = said.policy(NOW)
    assert (policy.fail_on, policy.gate, policy.context) == ("medium", "medium", "exposed")
    assert (policy.advisories, policy.kev) == (Path("osv.zip"), Path("/srv/kev.json"))
    assert (policy.advisories_url, policy.max_advisory_age_days) == ("https://example.org/osv.zip", 1)
    assert (policy.refresh, policy.require_inputs, policy.jobs) == ("daily", True, 2)
    assert policy.exclude == ("data/", "old/")
    assert (policy.private, policy.products) == (("acme-*",), ("pkg:github/acme/ours",))
    assert [type(each).__name__ for each in policy.claims] == ["Waiver", "Allowed"]
    assert [rule.glob for rule in policy.paths] == ["tests/", "old/"]
    assert policy.pack.ids == ("release",)
    assert (said["vex"], said["baseline"]) == (("vex/ours.json",), "base.json")
    assert policy.today == TODAY
    assert len(policy.notices) == 2


def test_nothing_stated_is_the_policy_of_nobody() -> None:
    assert settings().policy(NOW) == Policy(now=NOW)
    assert settings("[tool.weighbridge]", "pyproject.toml").policy(NOW) == Policy(now=NOW)


@pytest.mark.parametrize("text", ['[project]\nname = "x"', "[tool]\nx = 1", ""])
def test_a_pyproject_without_settings_was_named_by_mistake(text: str) -> None:
    with pytest.raises(ConfigurationError, match="holds no"):
        settings(text, "pyproject.toml")


def test_a_waiver_knows_its_line() -> None:
    (waiver,) = settings(FULL).waivers
    assert waiver.where == Location("weighbridge.toml", line=19)
    (waiver,) = settings(in_pyproject(FULL), "pyproject.toml").waivers
    assert waiver.where == Location("pyproject.toml", line=23)


def test_a_file_of_waivers_is_named() -> None:
    said = settings('waivers = "waivers.toml"', "conf/weighbridge.toml")
    assert (said.waivers, said.waivers_file) == ((), "conf/waivers.toml")


def test_paths_in_a_file_count_from_its_folder() -> None:
    said = settings('baseline = "../b.json"\nvex = ["v.json", "/w.json"]', "conf/weighbridge.toml")
    assert said["baseline"] == "b.json"
    assert said["vex"] == ("conf/v.json", "/w.json")


# --- who wins -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "key", "value", "origin"),
    [
        pytest.param("", {}, "fail-on", "high", "default", id="the default"),
        pytest.param('fail-on = "low"', {}, "fail-on", "low", "weighbridge.toml:1", id="the file"),
        pytest.param(
            'fail-on = "low"', {"fail_on": "critical"}, "fail-on", "critical", "--fail-on", id="the line"
        ),
        pytest.param(
            'packs = ["default"]',
            {"fail_on": "critical"},
            "fail-on",
            "high",
            "pack default",
            id="a named pack",
        ),
        pytest.param('packs = ["strict"]', {}, "fail-on", "medium", "pack strict", id="a stricter pack"),
        pytest.param(
            'packs = ["strict"]',
            {"fail_on": "info"},
            "fail-on",
            "info",
            "--fail-on",
            id="stricter than the pack",
        ),
        pytest.param(
            "",
            {"context": "internal", "packs": ["cra"]},
            "context",
            "exposed",
            "pack cra",
            id="context by pack",
        ),
        pytest.param(
            "", {"packs": ["airgap"]}, "advisories.max-age-days", 7, "default", id="a pack permits nothing"
        ),
        pytest.param(
            "",
            {"packs": ["airgap"], "advisories__max_age_days": 30},
            "advisories.max-age-days",
            30,
            "--max-advisory-age",
            id="carried data, stated",
        ),
        pytest.param(
            "",
            {"packs": ["airgap"], "advisories__max_age_days": 31},
            "advisories.max-age-days",
            30,
            "pack airgap",
            id="older than airgap permits",
        ),
        pytest.param(
            "",
            {"packs": ["airgap"], "advisories__max_age_days": 10},
            "advisories.max-age-days",
            10,
            "--max-advisory-age",
            id="stricter than airgap",
        ),
        pytest.param(
            "",
            {"packs": ["airgap", "strict"]},
            "advisories.max-age-days",
            1,
            "pack airgap, strict",
            id="the younger of two packs",
        ),
        pytest.param(
            "",
            {"advisories__max_age_days": 400},
            "advisories.max-age-days",
            400,
            "--max-advisory-age",
            id="no pack",
        ),
        pytest.param(
            "[advisories]\nmax-age-days = 5",
            {},
            "advisories.max-age-days",
            5,
            "weighbridge.toml:2",
            id="the line of a key in a table",
        ),
        pytest.param(
            "advisories = {path = 'x'}",
            {},
            "advisories.path",
            "x",
            "weighbridge.toml:1",
            id="an inline table",
        ),
        pytest.param(
            "advisories.path = 'x'",
            {},
            "advisories.path",
            "x",
            "weighbridge.toml advisories.path",
            id="dotted",
        ),
        pytest.param(
            'exclude = ["a"]',
            {"exclude": ["b", "a"]},
            "exclude",
            ("a", "b"),
            "weighbridge.toml:1, --exclude",
            id="lists add up",
        ),
        pytest.param(
            'packs = ["cra"]',
            {"packs": ["agents"]},
            "packs",
            ("cra", "agents"),
            "weighbridge.toml:1, --pack",
            id="packs add up",
        ),
        pytest.param("", {"baseline": Path("b.json")}, "baseline", "b.json", "--baseline", id="a path"),
        pytest.param("", {"vex": (Path("v"),)}, "vex", ("v",), "--vex", id="paths"),
        pytest.param(
            'baseline = "f"', {"baseline": None, "vex": []}, "baseline", "f", "weighbridge.toml:1", id="none"
        ),
    ],
)
def test_the_value_in_force_and_where_it_came_from(
    text: str, options: dict[str, Any], key: str, value: object, origin: str
) -> None:
    row = settings(text, **options).values[key]
    assert (row.value, row.origin) == (value, origin)


def test_what_a_pack_overrules_is_said() -> None:
    said = settings('context = "internal"', packs=["strict"], fail_on="critical")
    assert said.notices == (
        'fail-on = "critical" (--fail-on) is laxer than pack strict: "medium" holds',
        'context = "internal" (weighbridge.toml:1) is laxer than pack strict: "exposed" holds',
    )
    assert settings("", packs=["strict"]).notices == ()


def test_show_names_every_key_its_value_and_its_origin() -> None:
    lines = config.show(settings(FULL, packs=["weights-custody", "cra", "strict", "airgap", "bod-26-04"]))
    text = "\n".join(lines)
    for key in config.KEYS:
        assert any(line.startswith(f"{key} = ") for line in lines), key
    for part in (
        "require-inputs = true",
        "jobs = 2",
        "waivers = [1 entry]",
        "paths = [2 entries]",
        'exclude = ["data/"]',
        "# weighbridge.toml:3",
        "no network",
        "trigger on_use",
        "WGT-001 never below",
        "vdp-contact",
        "medium P60D",
        "# note: context",
    ):
        assert part in text, part
    plain = "\n".join(config.show(settings('waivers = "w.toml"')))
    assert 'waivers = "w.toml"' in plain
    assert "paths = []" in plain
    assert "required" not in plain


def test_rules_that_a_pack_requires_are_shown() -> None:
    assert any("HSH-001" in line for line in config.show(settings(packs=["ssdf-218a"])))


def test_excludes_are_seen_from_the_scanned_folder() -> None:
    policy = settings('exclude = ["/models/old/*.pt", "data/", "*.tmp"]').policy(NOW, "models")
    assert policy.exclude == ("/old/*.pt", "data/", "*.tmp")
    assert policy.prefix == "models"


# --- wrong ones ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "fail_on = 'high'", "fail_on: unknown key 'fail_on'; did you mean 'fail-on'?", id="underscore"
        ),
        pytest.param("contxt = 'internal'", "did you mean 'context'?", id="a slip"),
        pytest.param("[advisory]\nurl = 'x'", "did you mean 'advisories'?", id="a table's name"),
        pytest.param("[advisories]\nmax-age = 3", "did you mean 'max-age-days'?", id="a key in a table"),
        pytest.param("zzzzzz = 1", "unknown key 'zzzzzz'", id="nothing near"),
        pytest.param("[tool.weighbridge]\njobs = 1", "stand at the top", id="the other file's header"),
        pytest.param("fail-on = 'hihg'", "did you mean 'high'", id="a level misspelt"),
        pytest.param("fail-on = 3", "fail-on: found 3, wanted one of info", id="a number for a level"),
        pytest.param("jobs = -1", "jobs: found -1, wanted a whole number", id="below zero"),
        pytest.param("jobs = true", "jobs: found true, wanted a whole number", id="a truth for a number"),
        pytest.param("jobs = 1.5", "jobs: found 1.5", id="half a job"),
        pytest.param("require-inputs = 'yes'", "wanted true or false", id="a word for a truth"),
        pytest.param("exclude = [1]", "exclude[0]: found 1, wanted a string", id="a number in a list"),
        pytest.param("exclude = '/'", "wanted a pattern", id="all of the tree"),
        pytest.param("exclude = 5", "exclude: found 5, wanted a list", id="no list"),
        pytest.param("baseline = ''", "baseline: found an empty one", id="an empty path"),
        pytest.param("baseline = {}", "baseline: found a table", id="a table for a path"),
        pytest.param("advisories = 'x'", "advisories: found 'x', wanted a table", id="a path for a table"),
        pytest.param(
            "packs = ['strikt']", "packs: no pack 'strikt'; did you mean 'strict'?", id="no such pack"
        ),
        pytest.param("refresh = 'hourly'", "wanted one of never, daily", id="no such refresh"),
        pytest.param("[[waivers]]\nrule = 'ART-003'", "waivers[0]: 'reason' is missing", id="a bad waiver"),
        pytest.param("[[allow]]\nname = 'a.b'", "allow[0]: 'sha256' is missing", id="a bad allowance"),
        pytest.param(
            "[[paths]]\nglob = 'a'", "paths[0]: 'reason' is missing", id="a path rule without reason"
        ),
        pytest.param(
            "[[paths]]\nglob = 'a'\nreason = 'r'", "paths[0]: says nothing", id="a path rule of nothing"
        ),
        pytest.param(
            "[[paths]]\nglob = 'a'\nreason = 'r'\ntrigger = 'dormant'",
            "paths[0].trigger",
            id="what nobody declares",
        ),
        pytest.param(
            "[[paths]]\nglob = 'a'\nreason = 'r'\nrules = []", "unknown key 'rules'", id="rules off"
        ),
        pytest.param("a = 1979-05-27T07:32:00Z", "unknown key 'a'", id="a time"),
        pytest.param("[[waivers]", "is no TOML", id="broken"),
        pytest.param("jobs = 1\njobs = 2", "is no TOML", id="a key twice"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_file_and_key(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(text)
    assert str(error.value).startswith("weighbridge.toml")
    assert said in str(error.value)
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml"):
        settings(in_pyproject(text), "pyproject.toml")


def test_a_file_that_is_too_large_is_not_read() -> None:
    with pytest.raises(ConfigurationError, match="more than"):
        config.load(b" " * (64 * 1024 * 1024 + 1), "weighbridge.toml")


def test_a_wrong_option_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match="command line: --max-advisory-age: found 'x'"):
        config.on_line(advisories__max_age_days="x")


def test_the_byte_order_mark_is_no_setting() -> None:
    assert settings("\ufeffjobs = 3")["jobs"] == 3


def test_text_of_a_file_is_shown_escaped() -> None:
    with pytest.raises(ConfigurationError) as error:
        settings('"\\u001b[31m" = 1')
    assert "\x1b" not in str(error.value)


# --- which file is honoured ---------------------------------------------------------------------------------

ROOT, CWD = PurePosixPath("/work/tree"), PurePosixPath("/home/me")
BOTH = ("pyproject.toml", "weighbridge.toml")


@pytest.mark.parametrize(
    ("options", "file", "prefix", "notices"),
    [
        pytest.param(
            {"cwd": ROOT, "in_root": BOTH[:1]}, ROOT / BOTH[0], "", 0, id="the working directory's own"
        ),
        pytest.param({"cwd": ROOT, "in_root": BOTH}, ROOT / BOTH[1], "", 1, id="both: ours wins"),
        pytest.param({"cwd": ROOT}, None, "", 0, id="there is none"),
        pytest.param({"in_root": BOTH}, None, "", 2, id="a foreign tree"),
        pytest.param({"cwd": ROOT, "in_root": BOTH, "untrusted": True}, None, "", 2, id="untrusted"),
        pytest.param(
            {"explicit": ROOT / "w.toml", "in_root": BOTH}, ROOT / "w.toml", "", 0, id="named, inside"
        ),
        pytest.param(
            {"explicit": ROOT / BOTH[1], "in_root": BOTH[1:], "untrusted": True},
            ROOT / BOTH[1],
            "",
            0,
            id="named, although untrusted",
        ),
        pytest.param(
            {"explicit": CWD / "w.toml", "in_root": BOTH[:1]}, CWD / "w.toml", "", 1, id="named, elsewhere"
        ),
        pytest.param(
            {"explicit": ROOT.parent / "w.toml"}, ROOT.parent / "w.toml", "tree", 0, id="named, above"
        ),
        pytest.param(
            {"cwd": ROOT.parent, "in_root": BOTH[1:], "in_cwd": BOTH[:1]},
            ROOT.parent / BOTH[0],
            "tree",
            1,
            id="a folder of the working directory",
        ),
        pytest.param({"cwd": ROOT.parent, "in_root": BOTH[1:]}, None, "", 1, id="a tree cloned beside"),
        pytest.param({"in_cwd": BOTH}, None, "", 0, id="a tree that is elsewhere takes nobody's"),
        pytest.param(
            {"cwd": ROOT / "sub", "in_root": BOTH[1:], "in_cwd": BOTH}, None, "", 1, id="from inside of it"
        ),
        pytest.param({"root": PurePosixPath("/"), "in_root": BOTH[1:]}, None, "", 1, id="the root of all"),
    ],
)
def test_a_trees_settings_count_only_where_the_person_points_at_them(
    options: dict[str, Any], file: PurePosixPath | None, prefix: str, notices: int
) -> None:
    given = {"root": ROOT, "cwd": CWD} | options
    choice = decide(given.pop("root"), given.pop("cwd"), **given)
    assert (choice.file, choice.prefix, len(choice.notices)) == (file, prefix, notices)


def test_what_is_ignored_is_said() -> None:
    why = "the tree is not the working directory; --config would name it"
    said = f"settings and waivers in tree/weighbridge.toml are ignored: {why}"
    assert decide(ROOT, CWD, in_root=["weighbridge.toml"]) == Choice(None, "", (said,))


@pytest.mark.parametrize(
    ("data", "file", "ours"),
    [
        pytest.param(b"", "weighbridge.toml", True, id="its own file"),
        pytest.param(b"[tool.weighbridge]", "a/pyproject.toml", True, id="a section"),
        pytest.param(b"[tool.other]", "pyproject.toml", False, id="no section"),
        pytest.param(b"", "pyproject.toml", False, id="an empty file"),
        pytest.param(b"[tool.weighbridge]\nx", "pyproject.toml", True, id="broken, and it speaks of us"),
        pytest.param(b"[tool.other]\nx", "pyproject.toml", False, id="broken"),
    ],
)
def test_which_files_hold_settings(data: bytes, file: str, ours: bool) -> None:
    assert config.has_settings(data, file) is ours


def test_the_examples_of_the_documentation_are_good() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "policy.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        settings(block.replace("…", SHA))
