"""One file examined: outcomes, members, what is kept when a reader breaks."""

import bz2
import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Fact, Location
from scanner import examine
from scanner.examine import Gathered
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import INCOMPLETE, Artifact, Evidence, Outcome

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."
HONEST = b"\x80\x04}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94K\x02u."


def artifacts(data: bytes, name: str = "model.pkl", limits: Limits | None = None) -> tuple[Artifact, ...]:
    limits = limits or Limits()
    return Gathered().extend(examine.examine(BytesSource(data), Location(name), name, limits)).artifacts()


def outcomes(found: tuple[Artifact, ...]) -> dict[str, Outcome]:
    return {row.inspector: row.outcome for artifact in found for row in artifact.inspections}


def rules(found: tuple[Artifact, ...]) -> list[str]:
    return sorted(item.rule for artifact in found for row in artifact.inspections for item in row.evidence)


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def test_a_file_that_nobody_claims_has_no_row() -> None:
    assert artifacts(b"hello\n", "notes.md") == ()


def test_a_pickle_is_found_in_an_archive_in_an_archive() -> None:
    found = artifacts(zipped(inner__zip=zipped(weights__dat=gzip.compress(HOSTILE))), "a.zip")
    called = [
        item
        for artifact in found
        for row in artifact.inspections
        for item in row.evidence
        if item.rule == "ART-001"
    ]
    assert [item.where.member for item in called] == [("inner.zip", "weights.dat", "weights.dat")] or [
        item.where.member[:2] for item in called
    ] == [("inner.zip", "weights.dat")]


def test_members_that_nobody_reads_are_counted_and_not_listed() -> None:
    found = artifacts(zipped(a__md=b"hello", b__md=b"hello", c__pkl=HONEST), "a.zip")
    assert [artifact.where.member for artifact in found] == [(), ("c.pkl",)]
    assert found[0].unclaimed_members == 2


def test_what_was_found_before_a_break_is_kept() -> None:
    found = artifacts(HOSTILE[:-1] + b"\xff")
    assert outcomes(found)["pickle"] is Outcome.MALFORMED
    assert "ART-001" in rules(found)
    assert "ART-004" in rules(found)


def test_chance_bytes_that_begin_like_a_pickle_are_nobodys_file() -> None:
    assert artifacts(b"\x80\x04\x95\x10" + bytes(range(200)), "storage.dat") == ()


def test_a_file_whose_name_claims_it_is_broken_and_not_nobodys() -> None:
    found = artifacts(b"\x80\x04\x95\x10" + bytes(range(200)), "storage.pkl")
    assert outcomes(found) == {"pickle": Outcome.MALFORMED}
    assert rules(found) == ["ART-013"]


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pt"])
def test_a_pickle_of_plain_data_that_is_cut_is_broken_where_its_name_claims_it(name: str) -> None:
    found = artifacts(HONEST[:-1], name)
    assert set(outcomes(found).values()) == {Outcome.MALFORMED}
    assert rules(found) == ["ART-013"]


def test_a_stream_that_is_cut_is_broken_where_its_name_promises_a_model() -> None:
    data = bz2.compress(HOSTILE)
    found = artifacts(data[: len(data) // 2], "model.joblib")
    assert outcomes(found)["compressed"] is Outcome.MALFORMED
    assert "ART-013" in rules(found)


def test_nesting_past_the_limit_is_said_and_what_was_met_on_the_way_is_kept() -> None:
    data = HOSTILE
    for _ in range(9):
        data = zipped(inner__zip=data, bad__pkl=HOSTILE)
    found = artifacts(data, "a.zip")
    assert Outcome.LIMITED in outcomes(found).values()
    assert "ART-006" in rules(found)
    assert "ART-001" in rules(found)


def test_a_flood_of_one_rule_hides_no_other_and_is_counted() -> None:
    flood = b"chouseplant\nwater\n(tR0" * 60
    found = artifacts(flood + HOSTILE, limits=Limits(evidence_rows=10))
    assert rules(found).count("ART-002") <= 10
    assert "ART-001" in rules(found)
    assert "COV-003" in rules(found)


def test_two_members_of_one_name_keep_the_findings_of_both() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.pkl", HOSTILE)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.pkl", HONEST)
    assert "ART-001" in rules(artifacts(buffer.getvalue(), "a.zip"))


def test_a_reader_that_fails_costs_its_file_an_outcome_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(subject: object) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr("scanner.artifacts.pickle.inspect", broken)
    found = artifacts(HONEST)
    assert set(outcomes(found).values()) == {Outcome.CRASHED}
    assert rules(found) == ["COV-001"]


@given(
    st.binary(max_size=300),
    st.sampled_from(["a.pkl", "a.pt", "a.zip", "a.npy", "a.safetensors", "a.gz", "a"]),
)
def test_whatever_the_bytes_are_they_end_in_outcomes(data: bytes, name: str) -> None:
    for artifact in artifacts(data, name):
        for row in artifact.inspections:
            assert row.outcome is not Outcome.CRASHED, row.detail
            if row.outcome in INCOMPLETE - {Outcome.ABSENT}:
                assert row.evidence


@given(st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_a_mutated_honest_archive_ends_in_outcomes_and_findings(at: int, value: int, cut: bool) -> None:
    data = bytearray(
        zipped(a__pkl=HONEST, b__npy=b"\x93NUMPY\x01\0", c__safetensors=b"\x02" + b"\0" * 7 + b"{}")
    )
    at %= len(data)
    data[at] = value
    mutated = bytes(data[:at]) if cut else bytes(data)
    for artifact in artifacts(mutated, "a.zip"):
        for row in artifact.inspections:
            assert row.outcome is not Outcome.CRASHED, row.detail
            assert all(isinstance(item, Evidence) for item in row.evidence)
            assert all(isinstance(item, Fact) for item in row.facts)


def test_an_archive_that_begins_like_an_old_pickle_is_an_archive_alone() -> None:
    # "PK" and a line are the id of a persistent object to the oldest protocol; what follows is no opcode.
    data = zipped(a__txt=b"x = 1\n", METADATA=b"mName: a\n")
    found = artifacts(data, "a-1.0-py3-none-any.whl")
    assert found[0].format == "zip"
    assert outcomes(found) == {"zip": Outcome.INSPECTED}
    assert rules(found) == []


def test_an_archive_that_is_a_pickle_too_is_both() -> None:
    found = artifacts(HOSTILE + zipped(a__txt=b"x"), "a.bin")
    assert set(outcomes(found)) >= {"pickle", "zip"}
    assert "ART-001" in rules(found)
