"""Shards of distributed checkpoints: archives one behind the other."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.examine import Found, Opened, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence
from scanner.readers.zip_series import archives
from tests.forge import archive, call, state_dict, stream, tensor, torch_zip
from tests.forge_archives import Z, zip_of

HONEST = torch_zip(state_dict({"w": tensor("0", (4,))}), {"0": bytes(16)})
ATTACK = torch_zip(stream(call("posix.system", "echo weighbridge-sample")), {})
# A tensor whose bytes look like the end of an archive, far from its own end.
OTHER = torch_zip(
    state_dict({"w": tensor("0", (4,))}), {"0": (bytes(9_000) + b"PK\x05\x06").ljust(90_000, b"\1")}
)


def steps(data: bytes, name: str = "__0_0.distcp") -> Iterable[object]:
    return list(examine(BytesSource(data), Location(name), name, Limits()))


def rules(data: bytes, name: str = "__0_0.distcp") -> set[str]:
    found = [step.item for step in steps(data, name) if isinstance(step, Found)]
    return {item.rule for item in found if isinstance(item, Evidence)} - {"ART-003"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HONEST, id="one item"),
        pytest.param(HONEST * 3, id="three items"),
        pytest.param(HONEST + OTHER, id="an archive whose content looks like an end"),
        pytest.param(OTHER + HONEST, id="the same in front"),
    ],
)
def test_honest_shards_give_no_evidence(data: bytes) -> None:
    assert rules(data) == set()


def test_the_items_are_counted_and_opened() -> None:
    told = steps(HONEST * 3)
    facts = [step.item for step in told if isinstance(step, Found) and isinstance(step.item, Fact)]
    assert Fact(FactName.MEMBERS, 3) in facts
    opened = {step.where.member[0] for step in told if isinstance(step, Opened) and step.where.member}
    assert opened == {f"item at {at * len(HONEST)}" for at in range(3)}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ATTACK, id="alone"),
        pytest.param(ATTACK + HONEST, id="first"),
        pytest.param(HONEST + ATTACK + HONEST, id="between others"),
        pytest.param(HONEST + ATTACK, id="last"),
    ],
)
def test_what_an_item_runs_is_told(data: bytes) -> None:
    assert "ART-001" in rules(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HONEST + b"junk" + ATTACK, id="behind bytes of nobody"),
        pytest.param(HONEST + stream(call("posix.system", "echo weighbridge-sample")), id="a bare pickle"),
        pytest.param(
            zip_of(Z("a/data.pkl", b"N."), comment=HONEST[:40]) + ATTACK,
            id="behind an archive with a comment",
        ),
        pytest.param(b"\x80\x02." + ATTACK, id="behind a pickle"),
        pytest.param(b"#!/bin/sh\n".ljust(64) + ATTACK, id="behind a script"),
    ],
)
def test_evasions_are_seen(data: bytes) -> None:
    assert "ART-001" in rules(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HONEST[:-30], id="an archive without its end"),
        pytest.param(HONEST + HONEST[:-30], id="the last without its end"),
    ],
)
def test_broken_shards_are_not_called_clean(data: bytes) -> None:
    assert rules(data) & {"ART-013", "ART-017", "COV-001"}


def test_a_row_of_archives_under_any_other_name_is_told() -> None:
    assert "ART-017" in rules(HONEST * 2, "model.pt")


@given(st.lists(st.sampled_from([HONEST, OTHER, archive({}), archive({"a": b""})]), max_size=5))
def test_every_archive_of_a_row_is_found(row: list[bytes]) -> None:
    wanted, at = [], 0
    for each in row:
        if each == archive({}):
            break  # an archive of nothing has no header to begin with
        wanted.append((at, at + len(each)))
        at += len(each)
    assert list(archives(BytesSource(b"".join(row)))) == wanted
