"""PMML and OpenVINO's IR: what an XML reader would fetch, include or multiply."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence, Outcome
from scanner.registry import claims

DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n'
# As nyoka 5.5 and OpenVINO 2026.4 begin their files.
PMML = (
    DECLARED + '<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4.1">\n<Header copyright="c">'
    '<Application name="Nyoka" version="5.5.0"/></Header>\n<DataDictionary numberOfFields="1"/>\n</PMML>\n'
)
IR = (
    '<?xml version="1.0"?>\n<net name="net" version="11">\n<layers>\n'
    '<layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,3"/></layer>\n'
    '<layer id="1" name="r" type="ReLU" version="opset13"/>\n</layers>\n<edges/>\n</net>\n'
)


def steps_of(text: str | bytes, name: str = "m.pmml", limits: Limits | None = None) -> list[object]:
    data = text.encode() if isinstance(text, str) else text
    return list(examine(BytesSource(data), Location(name), name, limits or Limits()))


def told(text: str | bytes, name: str = "m.pmml") -> list[tuple[str, str]]:
    found = [step.item for step in steps_of(text, name) if isinstance(step, Found)]
    return [(item.rule, item.subject) for item in found if isinstance(item, Evidence)]


def outcomes(text: str | bytes, name: str = "m.pmml", limits: Limits | None = None) -> set[Outcome]:
    return {step.outcome for step in steps_of(text, name, limits) if isinstance(step, Ended)}


def with_type(declared: str, inside: str = "", root: str = "PMML") -> str:
    return f'{DECLARED}<!DOCTYPE {root} {declared}>\n<{root} version="4.4" name="n">{inside}</{root}>\n'


# --- honest -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(PMML, "m.pmml", id="PMML"),
        pytest.param(PMML, "model.xml", id="PMML by its content"),
        pytest.param(
            PMML.replace("Nyoka", "Räuber &amp; Söhne"), "m.pmml", id="entities that XML itself has"
        ),
        pytest.param(IR, "openvino_model.xml", id="OpenVINO"),
        pytest.param(IR.replace(' version="opset1"', ""), "m.xml", id="OpenVINO of old, without sets"),
        pytest.param(
            PMML.replace("<PMML", "<!-- <!ENTITY x SYSTEM 'y'> -->\n<PMML"), "m.pmml", id="a comment"
        ),
        pytest.param(with_type('[<!ENTITY copy "c">]', "&copy;"), "m.pmml", id="an entity of its own"),
    ],
)
def test_models_as_their_libraries_write_them_are_no_evidence(text: str, name: str) -> None:
    assert told(text, name) == []
    assert outcomes(text, name) == {Outcome.INSPECTED}


def test_facts_tell_what_it_is_and_who_wrote_it() -> None:
    facts = [step.item for step in steps_of(PMML) if isinstance(step, Found) and isinstance(step.item, Fact)]
    assert Fact(FactName.PRODUCER, "Nyoka 5.5.0") in facts
    assert Fact(FactName.FRAMEWORK_VERSION, "4.4.1") in facts
    facts = [
        step.item for step in steps_of(IR, "m.xml") if isinstance(step, Found) and isinstance(step.item, Fact)
    ]
    assert Fact(FactName.FRAMEWORK, "OpenVINO") in facts


@pytest.mark.parametrize(
    "text",
    [
        "<html><net></net></html>",
        '<pnml><net id="n" type="t"/></pnml>',
        "words of a <net name='x'",
        "<project/>",
    ],
)
def test_other_xml_is_nobodys(text: str) -> None:
    assert claims("a.xml", text.encode(), text.encode()) == ()


# --- caught -------------------------------------------------------------------------------------------------

BOMB = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            with_type('[<!ENTITY a SYSTEM "file:///etc/passwd">]', "&a;"),
            ("ART-021", "entity a:file:///etc/passwd"),
            id="a file",
        ),
        pytest.param(
            with_type('[<!ENTITY % a SYSTEM "http://x/e.dtd"> %a;]'),
            ("ART-021", "entity a:http://x/e.dtd"),
            id="a list of entities",
        ),
        pytest.param(
            with_type('SYSTEM "http://x/e.dtd"'),
            ("ART-021", "document type PMML:http://x/e.dtd"),
            id="a document type",
        ),
        pytest.param(
            with_type('PUBLIC "-//x" "http://x/e.dtd"'),
            ("ART-021", "document type PMML:http://x/e.dtd"),
            id="a public one",
        ),
        pytest.param(
            PMML.replace(
                "<DataDictionary",
                '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><DataDictionary',
            ),
            ("ART-021", "inclusion:/etc/passwd"),
            id="an inclusion",
        ),
        pytest.param(
            PMML.replace("<PMML", '<?xml-stylesheet href="http://x/s.xsl"?><PMML'),
            ("ART-021", 'style sheet:href="http://x/s.xsl"'),
            id="a style sheet",
        ),
        pytest.param(
            with_type(f'[<!ENTITY l0 "lol">{BOMB}]', "&l9;"), ("ART-025", "l9"), id="a billion laughs"
        ),
        pytest.param(
            with_type(f'[<!ENTITY a "{"x" * 20_000}">]', "&a;" * 1000),
            ("ART-025", "a"),
            id="one, a thousand times",
        ),
        pytest.param(
            with_type('[<!ENTITY a "&b;"><!ENTITY b "&a;">]'), ("ART-025", "b"), id="each the other's"
        ),
    ],
)
def test_what_is_fetched_included_or_multiplied_is_told(text: str, expected: tuple[str, str]) -> None:
    assert expected in told(text)
    net = text.replace("<PMML xmlns", '<net name="n" xmlns').replace("PMML", "net")
    assert expected[0] in {rule for rule, _ in told(net, "m.xml")}


def test_operators_of_an_extension_are_told() -> None:
    text = IR.replace('type="ReLU" version="opset13"', 'type="Evil" version="acme_ext"')
    assert told(text, "m.xml") == [("ART-022", "Evil of acme_ext")]


# --- broken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "law"),
    [
        pytest.param("", Outcome.MALFORMED, id="nothing"),
        pytest.param("no XML", Outcome.MALFORMED, id="no XML"),
        pytest.param(PMML[:-20], Outcome.MALFORMED, id="cut off"),
        pytest.param(
            DECLARED.replace("UTF-8", "x-mine") + "<PMML/>", Outcome.MALFORMED, id="an unknown encoding"
        ),
        pytest.param("<PMML>" + "<a>" * 3000, Outcome.LIMITED, id="deep"),
    ],
)
def test_broken_models_say_so(text: str, law: Outcome) -> None:
    assert outcomes(text) == {law}


def test_a_model_that_is_too_large_is_not_read() -> None:
    assert outcomes(PMML, limits=Limits(text_bytes=100)) == {Outcome.LIMITED}


def test_what_was_declared_before_a_break_is_told() -> None:
    assert ("ART-021", "entity a:/etc/passwd") in told(with_type('[<!ENTITY a SYSTEM "/etc/passwd">]')[:-9])


# --- evasions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            with_type("[<!ENTITY % a \"<!ENTITY b SYSTEM '/etc/passwd'>\"> %a;]"),
            id="declared by another entity",
        ),
        pytest.param(
            with_type('[<!ENTITY copy "c"><!ENTITY a SYSTEM "/etc/passwd">]'), id="behind an honest one"
        ),
        pytest.param(
            with_type(
                '[<!ENTITY a \'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>\'>]',
                "&a;",
            ),
            id="an inclusion inside of an entity",
        ),
        pytest.param(
            with_type(
                '[<!ENTITY c "c">]',
                '<q:include xmlns:q="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>',
            ),
            id="an inclusion behind a declaration",
        ),
        pytest.param(
            with_type(
                '[<!ATTLIST include xmlns CDATA #FIXED "http://www.w3.org/2001/XInclude">]',
                '<include href="/etc/passwd"/>',
            ),
            id="an inclusion by a default",
        ),
        pytest.param(with_type('[<!ENTITY a SYSTEM "/etc/passwd" NDATA gif>]'), id="one that is not parsed"),
        pytest.param(
            with_type('[<!ENTITY a SYSTEM "/etc/passwd">]').replace("UTF-8", "UTF-16").encode("utf-16"),
            id="another encoding",
        ),
        pytest.param(
            (
                DECLARED.replace("UTF-8", "UTF-16")
                + with_type('[<!ENTITY a SYSTEM "/etc/passwd">]')[len(DECLARED) :]
            ).encode("utf-16"),
            id="by its content, in another encoding",
        ),
    ],
)
def test_it_is_told_however_it_is_declared(text: str | bytes) -> None:
    for name in ("m.pmml", "m.xml"):
        assert [rule for rule, _ in told(text, name)].count("ART-021") == 1


@given(at=st.integers(0, 2000), value=st.binary(max_size=8))
@settings(max_examples=150, deadline=None)
def test_damaged_models_end_in_an_outcome(at: int, value: bytes) -> None:
    for text in (PMML, IR, with_type(f'[<!ENTITY l0 "lol">{BOMB}]', '<a b="&l3;"/>&l9;')):
        data = text.encode()
        place = at % len(data)
        assert Outcome.CRASHED not in outcomes(data[:place] + value + data[place + len(value) :])
