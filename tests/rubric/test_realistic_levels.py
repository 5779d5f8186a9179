"""Realistic findings with the level a sensible engineer would give them.

A change of a default, a floor or a table that moves one of these is seen here. Each row: what was found, the
rule, what was measured, what the join measured, and the level for internal use and when published.
"""

import pytest

from sbom.model import Location
from scanner.model import Evidence, Factors, FactorSource, Measurement, factors
from scanner.rubric import rules
from scanner.rubric.judge import judge


def m(source: FactorSource = "measured", **values: str) -> Factors:
    return factors(source, "", **values)


def dormant(*, covered: bool) -> Measurement:
    return Measurement("", "trigger", "dormant", "nothing loads it", covered=covered)


AUTOMATIC = Measurement("", "trigger", "automatic", "train.py:3 loads it")
PINNED = Measurement("", "origin", "pinned", "its digest stands in the lock", covered=True)
NONE: Factors = ()

CASES = [
    # model files
    ("a checkpoint that calls os.system", "ART-001", NONE, (), "critical", "critical"),
    (
        "the same in a folder of tests that nothing loads",
        "ART-001",
        NONE,
        (dormant(covered=True),),
        "critical",
        "critical",
    ),
    (
        "the same where the policy says it is unreachable",
        "ART-001",
        m("declared", trigger="unreachable"),
        (),
        "critical",
        "critical",
    ),
    ("a pickle that calls a function of some library", "ART-002", NONE, (), "high", "high"),
    (
        "the same, nothing loads it and every load was resolved",
        "ART-002",
        NONE,
        (dormant(covered=True),),
        "medium",
        "high",
    ),
    (
        "the same, nothing seems to load it but a load is unclear",
        "ART-002",
        NONE,
        (dormant(covered=False),),
        "high",
        "high",
    ),
    ("the same, fixed by a digest in the lock", "ART-002", NONE, (PINNED,), "medium", "high"),
    ("an honest scikit-learn joblib that train.py loads", "ART-003", NONE, (AUTOMATIC,), "low", "low"),
    ("a harmless checkpoint that lies there", "ART-003", NONE, (), "info", "low"),
    ("a pickle cut off after it has called something", "ART-004", NONE, (), "high", "high"),
    ("a pickle under the name notes.txt", "ART-005", NONE, (), "high", "high"),
    ("a zip entry ../../.bashrc", "ART-007", NONE, (), "high", "critical"),
    ("a Keras Lambda layer", "ART-008", NONE, (), "high", "high"),
    ("a shared library beside the weights", "ART-012", NONE, (), "medium", "high"),
    ("a safetensors header with overlapping tensors", "ART-013", NONE, (), "medium", "high"),
    (
        "a file whose digest is on a malware list",
        "ART-014",
        NONE,
        (dormant(covered=True),),
        "critical",
        "critical",
    ),
    ("an odd address in GGUF metadata", "ART-015", NONE, (), "low", "medium"),
    ("a pickle that only builds an XGBoost-like class", "ART-016", NONE, (), "low", "medium"),
    ("a zip with two directories that disagree", "ART-017", NONE, (), "high", "high"),
    ("a checkpoint of the repository's own class", "ART-018", NONE, (), "low", "medium"),
    ("an .h5 file that nobody read", "COV-001", NONE, (), "medium", "medium"),
    ("an .onnx file that nobody read", "COV-001", m(effect="partial"), (), "low", "medium"),
    ("a pickle larger than the limit", "COV-003", NONE, (), "medium", "medium"),
    ("a requirements line that nobody can parse", "COV-005", NONE, (), "low", "medium"),
    ("no advisory snapshot", "COV-002", NONE, (), "medium", "medium"),
    # integrity
    ("a third party's locked model has other bytes", "HSH-001", NONE, (), "critical", "critical"),
    ("a model downloaded without digest or revision", "HSH-002", NONE, (), "medium", "medium"),
    ("our own model changed since it was locked", "HSH-010", NONE, (), "high", "high"),
    ("verify=False in fetch code", "HSH-008", NONE, (), "medium", "medium"),
    # advisories
    ("torch with a hole listed in KEV", "ADV-001", NONE, (), "critical", "critical"),
    ("a hole with full impact, nothing else known", "ADV-002", NONE, (), "medium", "high"),
    (
        "the same, over the network without any doing",
        "ADV-002",
        m("feed", trigger="automatic"),
        (),
        "high",
        "critical",
    ),
    ("the same, with a public exploit", "ADV-002", m("feed", exploitation="poc"), (), "high", "critical"),
    ("a hole that can only crash the program", "ADV-003", m("feed", trigger="on_use"), (), "low", "medium"),
    (
        "a package known to be malicious, never imported",
        "ADV-004",
        NONE,
        (dormant(covered=True),),
        "critical",
        "critical",
    ),
    ("a yanked release in the lock", "ADV-005", NONE, (), "low", "medium"),
    ("a library past its end of life", "ADV-007", NONE, (), "info", "low"),
    ("ultralytics>=8.3, which admits the compromised 8.3.41", "ADV-008", NONE, (), "medium", "medium"),
    # dependencies
    ("transformers>=4.30 and no lock", "DEP-001", NONE, (), "low", "medium"),
    ("a lock without hashes", "DEP-002", NONE, (), "info", "low"),
    ("a private name beside --extra-index-url", "DEP-003", NONE, (), "high", "high"),
    (
        "--extra-index-url https://download.pytorch.org/whl/cu121",
        "DEP-003",
        m(effect="weakens", trigger="on_use", exploitation="none", evidence="confirmed"),
        (),
        "low",
        "medium",
    ),
    ("reqeusts", "DEP-004", NONE, (), "medium", "medium"),
    ("curl | sh in a Dockerfile", "DEP-008", NONE, (), "high", "high"),
    ("FROM python:3.11, an official image", "DEP-009", m(trigger="on_use"), (), "low", "medium"),
    ("FROM somebody/image:latest", "DEP-009", NONE, (), "medium", "medium"),
    ("uses: actions/checkout@v4, an official action", "DEP-010", m(trigger="on_use"), (), "low", "medium"),
    ("--index-url http://…", "DEP-012", NONE, (), "medium", "medium"),
    ("https://user:token@… in requirements", "DEP-013", NONE, (), "high", "high"),
    # code, data, the rest
    ("trust_remote_code=True without a revision", "SRC-001", NONE, (), "high", "high"),
    ("trust_remote_code=True at a commit", "SRC-002", NONE, (), "medium", "high"),
    ("torch.load of a download", "SRC-003", NONE, (), "high", "high"),
    ("pickle.load of a committed file", "SRC-004", NONE, (), "low", "medium"),
    ("from_pretrained without a revision", "SRC-005", NONE, (), "medium", "medium"),
    ("pull_request_target that checks the change out", "SRC-008", NONE, (), "critical", "critical"),
    ("a licence missing", "ORG-007", NONE, (), "info", "info"),
    ("a data set that changed under its revision", "DAT-003", NONE, (), "high", "high"),
    ("an hf_ token in a notebook", "SEC-002", NONE, (), "high", "high"),
    ("a random-looking string", "SEC-003", NONE, (), "low", "medium"),
    ("hidden characters in an agent's rules", "AGT-002", NONE, (), "high", "high"),
    ("a component missing from the SBOM", "BOM-001", NONE, (), "low", "low"),
    ("loaded unsafely, from outside, checked against nothing", "CMB-001", NONE, (), "high", "high"),
]


@pytest.mark.parametrize(
    ("rule", "measured", "joined", "internal", "exposed"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_finding_gets_the_level_that_a_sensible_engineer_would_give(
    rule: str, measured: Factors, joined: tuple[Measurement, ...], internal: str, exposed: str
) -> None:
    evidence = Evidence(rule, Location("somewhere"), "", factors=measured)
    levels = [
        judge(evidence, rules.find(rule), context=context, measurements=joined).level
        for context in ("internal", "exposed")
    ]
    assert levels == [internal, exposed]


def test_the_table_shows_every_level() -> None:
    assert {case[4] for case in CASES} == {"info", "low", "medium", "high", "critical"}
    assert len(CASES) >= 40
