"""Arrow and Parquet tables: what their schemas carry."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.artifacts import arrow
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.model import Derived, Event, Evidence, Subject
from scanner.readers import thrift
from scanner.registry.formats import claims
from tests.forge_archives import subject
from tests.forge_arrow import (
    arrow_file,
    arrow_schema,
    column,
    message,
    pair,
    parquet,
    turned_pair,
)

PICKLE = b"cposix\nsystem\n(S'echo weighbridge-sample'\ntR."
NAME, METADATA = b"ARROW:extension:name", b"ARROW:extension:metadata"
PICKLED = column(b"a", {NAME: b"arrow.py_extension_type", METADATA: PICKLE})
OBJECTS = column(b"o", {NAME: b"ray.data.arrow_pickled_object", METADATA: b"null"})
TENSOR = column(b"t", {NAME: b"arrow.fixed_shape_tensor", METADATA: b'{"shape":[2,2]}'})
PLAIN = column(b"p", {b"PARQUET:field_id": b"1"})
END = b"\xff\xff\xff\xff\0\0\0\0"


def told(inspect: Callable[[Subject], Iterator[Event]], data: bytes) -> list[Event]:
    """The events of a table of which nothing but the schema is read."""
    events: list[Event] = []
    reason = "none: its values were taken for read"
    try:
        for event in inspect(subject(data, "t.arrow")):
            events.append(event)  # noqa: PERF402  (what came before the raise is kept)
    except PartlyRead as error:
        reason = error.reason
    assert reason == "only searched for pickles in its schema"
    return events


def rules(events: list[Event]) -> list[tuple[str, str]]:
    return [(each.rule, each.subject) for each in events if isinstance(each, Evidence)]


def pickles(events: list[Event]) -> list[bytes]:
    return [each.data for each in events if isinstance(each, Derived) and each.format == "pickle"]


@pytest.mark.parametrize(
    ("inspect", "data"),
    [
        pytest.param(arrow.inspect, arrow_file(PLAIN, TENSOR), id="a file"),
        pytest.param(arrow.inspect, message(PLAIN, TENSOR) + END, id="a stream"),
        pytest.param(arrow.inspect, b"FEA1" + bytes(16) + b"FEA1", id="the first Feather"),
        pytest.param(arrow.inspect_parquet, parquet(), id="Parquet without keys"),
        pytest.param(
            arrow.inspect_parquet,
            parquet(pair(b"pandas", b"{}"), pair(b"ARROW:schema", arrow_schema(PLAIN, TENSOR))),
            id="Parquet of Arrow",
        ),
        pytest.param(
            arrow.inspect_parquet,
            parquet(pair(b"note", b"arrow.py_extension_type is what we do not use")),
            id="Parquet that speaks of it",
        ),
    ],
)
def test_honest_tables_give_no_evidence(inspect: Callable[[Subject], Iterator[Event]], data: bytes) -> None:
    events = told(inspect, data)
    assert rules(events) == []
    assert pickles(events) == []


@pytest.mark.parametrize(
    ("inspect", "data"),
    [
        pytest.param(arrow.inspect, arrow_file(PLAIN, PICKLED), id="a file"),
        pytest.param(arrow.inspect, message(PICKLED) + END, id="a stream"),
        pytest.param(
            arrow.inspect_parquet, parquet(pair(b"ARROW:schema", arrow_schema(PICKLED))), id="Parquet"
        ),
    ],
)
def test_a_pickled_type_is_told_and_read(inspect: Callable[[Subject], Iterator[Event]], data: bytes) -> None:
    events = told(inspect, data)
    assert set(rules(events)) == {("ART-030", "column:a")}
    assert set(pickles(events)) == {PICKLE}


def test_a_column_of_pickles_is_told() -> None:
    assert rules(told(arrow.inspect, message(OBJECTS))) == [("ART-030", "column:o")]


def test_a_pickled_schema_of_petastorm_is_read() -> None:
    events = told(arrow.inspect_parquet, parquet(pair(b"dataset-toolkit.unischema.v1", PICKLE)))
    assert pickles(events) == [PICKLE]


@pytest.mark.parametrize(
    ("inspect", "data"),
    [
        pytest.param(arrow.inspect, arrow_file(PLAIN, footer=[PICKLED]), id="only the footer says so"),
        pytest.param(arrow.inspect, arrow_file(PICKLED, footer=[PLAIN]), id="only the beginning says so"),
        pytest.param(arrow.inspect, message(column(b"l", None, column(b"s", None, PICKLED))), id="nested"),
        pytest.param(
            arrow.inspect_parquet,
            parquet(turned_pair(b"ARROW:schema", arrow_schema(PICKLED))),
            id="Parquet, the value before its key",
        ),
        *(
            pytest.param(
                arrow.inspect_parquet,
                parquet(pair(b"ARROW:schema", arrow_schema(column(b"x" * shift), PICKLED))),
                id=f"Parquet, {shift} bytes further in base64",
            )
            for shift in range(1, 13)
        ),
    ],
)
def test_evasions_are_seen(inspect: Callable[[Subject], Iterator[Event]], data: bytes) -> None:
    assert PICKLE in pickles(told(inspect, data))


WHOLE = arrow_file(PICKLED)


@pytest.mark.parametrize(
    ("inspect", "data", "law"),
    [
        pytest.param(arrow.inspect, b"", "magic", id="empty"),
        pytest.param(arrow.inspect, WHOLE[:-1], "end-magic", id="a cut file"),
        pytest.param(arrow.inspect, WHOLE[:-10] + b"\xff" * 4 + WHOLE[-6:], "footer-length", id="footer"),
        pytest.param(arrow.inspect, message(PICKLED)[:-9], "truncated", id="a cut stream"),
        pytest.param(arrow.inspect, b"ARROW1\0\0junk", "truncated", id="a length of more than any limit"),
        pytest.param(
            arrow.inspect,
            b"\xff\xff\xff\xff\x20\0\0\0" + b"\xf0" * 4 + b"arrow.py_extension_type".ljust(28, b"\0"),
            "offset",
            id="an offset that leads out",
        ),
        pytest.param(arrow.inspect_parquet, b"PAR1", "footer-length", id="no footer"),
        pytest.param(arrow.inspect_parquet, parquet()[:-1], "end-magic", id="a cut Parquet"),
        pytest.param(
            arrow.inspect_parquet,
            b"PAR1\x1fdataset-toolkit.unischema" + (26).to_bytes(4, "little") + b"PAR1",
            "thrift-kind",
            id="a footer that is no struct",
        ),
    ],
)
def test_broken_tables_name_the_law(
    inspect: Callable[[Subject], Iterator[Event]], data: bytes, law: str
) -> None:
    with pytest.raises(Malformed) as caught:
        list(inspect(subject(data, "t.arrow")))
    assert caught.value.law == law


def test_a_footer_nested_without_end_is_limited() -> None:
    deep = b"dataset-toolkit.unischema"
    footer = b"\x18" + bytes([len(deep)]) + deep + b"\x1c" * 2_000
    with pytest.raises(LimitReached):
        list(
            arrow.inspect_parquet(
                subject(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1", "t.parquet")
            )
        )


def test_a_stream_is_told_by_its_content_under_any_name() -> None:
    head = message(PLAIN)
    assert [claim.format.name for claim in claims("part-0", head, head)] == ["arrow"]
    assert not arrow.is_stream(b"\xff" * 64)


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=4))
def test_every_pair_of_a_footer_is_read_as_written(pairs: list[tuple[bytes, bytes]]) -> None:
    data = parquet(*(pair(key, value) for key, value in pairs))
    reader = thrift.Compact(data[4:], 10)
    read = [
        tuple(reader.binary(part.at) for part in reader.fields(at))
        for each in reader.fields(0)
        if each.number == 5
        for at in reader.structs(each.at)
    ]
    assert read == pairs


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_any_damage_ends_in_an_outcome(at: int, byte: int) -> None:
    data = WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]
    with pytest.raises((Malformed, PartlyRead, LimitReached)):
        list(arrow.inspect(subject(data, "t.arrow")))
