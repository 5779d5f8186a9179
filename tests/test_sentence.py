"""The verdict in one breath: each part only where it is true, and 'other' only behind something else."""

import pytest

from sbom.model import Location
from scanner.model import Consulted, Coverage, Evidence, Finding, Measured, NotChecked
from scanner.policy import Policy
from scanner.rubric import rules
from scanner.rubric.judge import judge
from scanner.sentence import sentence

COMPLETE = Coverage("complete", 1, 1)
EXPLOITED = (("exploitation", Measured("active", "feed", "a record")),)


def of(rule: str, path: str, component: str = "") -> Finding:
    evidence = Evidence(rule, Location(path), "", subject=path, factors=EXPLOITED, component=component)  # type: ignore[arg-type]
    return judge(evidence, rules.find(rule), context="internal")


FILE = of("ART-001", "a.pkl")
PACKAGE = of("ADV-004", "requirements.txt", "pkg:pypi/litellm@1.82.8")
SCRIPT = of("DEP-008", "Dockerfile")


@pytest.mark.parametrize(
    ("findings", "says"),
    [
        pytest.param([], "Nothing was found.", id="nothing"),
        pytest.param([SCRIPT], "Mend 1 finding.", id="only others"),
        pytest.param([SCRIPT, of("DEP-008", "b.sh")], "Mend 2 findings.", id="several others"),
        pytest.param([FILE, SCRIPT], "Do not load a.pkl. Mend 1 other finding.", id="a file and another"),
        pytest.param(
            [FILE, PACKAGE, SCRIPT],
            "Do not load a.pkl. Remove litellm 1.82.8: known to be malicious. Mend 1 other finding.",
            id="each kind",
        ),
        pytest.param(
            [of("HSH-001", "b.safetensors"), SCRIPT],
            "Do not use b.safetensors: not the bytes that were agreed on. Mend 1 other finding.",
            id="other bytes",
        ),
        pytest.param(
            [of("ART-001", "a\n.pkl"), FILE],
            "Do not load a\\n.pkl and a.pkl.",
            id="a name that would break the line",
        ),
    ],
)
def test_each_part_is_said_where_it_is_true(findings: list[Finding], says: str) -> None:
    assert sentence(findings, COMPLETE, Policy()) == says


def test_what_could_not_be_checked_is_said_beside_nothing_found() -> None:
    coverage = Coverage(
        "partial", 1, 1, not_checked=(NotChecked(Location("a.rar"), "rar", "recognised", "unread"),)
    )
    said = sentence([], coverage, Policy(), [Consulted("osv", "absent")])
    assert said == (
        "Nothing was found. 1 thing could not be checked."
        " Dependencies were not checked against known advisories: there is no snapshot."
    )
