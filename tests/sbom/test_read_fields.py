"""Whatever an inventory says comes back: the fields are those of the model, so that none can be forgotten."""

from collections.abc import Mapping
from typing import Any

import pytest
from cyclonedx.spdx import fixup_id
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom import cyclonedx
from sbom.model import (
    Component,
    Digest,
    Fact,
    FactName,
    Inventory,
    Kind,
    Location,
    Project,
    Relation,
    Scope,
    Step,
    Task,
    Workflow,
)
from sbom.read import read
from sbom.record import fields, replace

# Text as a document holds it: well formed, neither blank nor with blanks around it.
words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)
lines = st.integers(min_value=1, max_value=10**6)
versions = st.just("") | words
# A licence that SPDX's list has in another spelling comes back in the list's.
licence = words.filter(lambda text: fixup_id(text) in (None, text))
some = st.lists(words, max_size=2, unique=True).map(sorted).map(tuple)
locations = st.builds(
    Location,
    path=words,
    member=st.lists(words, max_size=2).map(tuple),
    offset=st.none() | st.integers(min_value=0, max_value=2**40),
    line=st.none() | lines,
    cell=st.none() | st.integers(min_value=1, max_value=99),
)
digests = st.builds(
    Digest,
    algorithm=st.sampled_from(["sha256", "sha512"]),
    value=st.text("0123456789abcdef", min_size=9, max_size=9),
) | st.sampled_from([Digest("sha256", "a" * 64), Digest("md5", "b" * 32), Digest("blake2b", "c" * 64)])
# Facts with a place of their own in a model card are text there; a licence becomes the component's own.
facts = st.builds(
    Fact, name=st.sampled_from(sorted(set(FactName) - {FactName.LICENCE, FactName.METRIC})), value=words
) | st.sampled_from(
    [
        Fact(FactName.METRIC, "accuracy: 0.9 (GLUE)"),
        Fact(FactName.ENERGY, "12.50 kWh: fine-tuning"),
        Fact(FactName.EMISSIONS, "1200 g CO2eq (source: codecarbon)"),
        Fact(FactName.AUTHOR, "Ada L. <ada@example.org>"),
        Fact(FactName.AUTHOR, "ada@example.org"),
        Fact(FactName.TAG, "reinforcement-learning"),
        Fact(FactName.LINK, "Bug Tracker https://example.org/issues"),
    ]
)
found_texts = (
    st.lists(
        st.tuples(st.sampled_from(["MIT", "Apache-2.0"]), words),
        max_size=2,
        unique=True,
    )
    .map(sorted)
    .map(tuple)
)
COMPONENT: Mapping[str, st.SearchStrategy[Any]] = {
    # What is taken, or reserved by the specification, gets another name in the document.
    "ref": words.filter(lambda text: not text.startswith(("project:", "urn:cdx:"))),
    "name": words,
    "kind": st.sampled_from(Kind),
    "version": versions,
    "specifier": versions,
    "purl": st.sampled_from(["", "pkg:pypi/torch", "pkg:generic/x?checksum=sha256:00", "no purl"]),
    "project": st.sampled_from([".", "demo"]),
    "ecosystem": versions,
    "digests": st.lists(digests, max_size=3, unique=True).map(sorted).map(tuple),
    "facts": st.lists(facts, max_size=4, unique=True).map(lambda rows: tuple(sorted(rows, key=repr))),
    "licences": st.lists(licence, max_size=2, unique=True).map(sorted).map(tuple),
    "scope": st.sampled_from(Scope),
    "direct": st.booleans(),
    "origin": st.sampled_from(["", "https://pypi.org/simple", "./wheels", "git+https://h/x@" + "a" * 40]),
    "seen": st.lists(locations, max_size=3, unique=True).map(
        lambda rows: tuple(sorted(rows, key=lambda where: where.order))
    ),
    "part_of": st.just(""),  # drawn below: of what is there
    "lacks": some,
    "texts": found_texts,
}
PROJECT: Mapping[str, st.SearchStrategy[Any]] = {
    "path": st.just("demo"),
    "name": versions,
    "version": versions,
    "description": versions,
    "licence": st.just("") | licence,
    "where": st.none() | locations,
    "authors": some,
    "texts": found_texts,
    "links": st.sampled_from([(), ("Homepage https://example.org/",)]),
}
STEP: Mapping[str, st.SearchStrategy[Any]] = {
    "name": versions,
    "commands": st.lists(words, max_size=2).map(tuple),
}
TASK: Mapping[str, st.SearchStrategy[Any]] = {
    "name": words,
    "line": st.none() | lines,
    "steps": st.lists(st.builds(Step, **STEP), max_size=2).map(tuple),
    "inputs": some,
    "outputs": some,
    "parameters": st.lists(st.tuples(words, versions), max_size=2, unique=True).map(tuple),
    "metrics": st.lists(st.tuples(words, versions), max_size=2).map(tuple),
    "about": st.lists(st.tuples(words, versions), max_size=2).map(tuple),
}
WORKFLOW: Mapping[str, st.SearchStrategy[Any]] = {
    "path": words,
    "tasks": st.lists(st.builds(Task, **TASK), max_size=2).map(tuple),
}


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    components = draw(
        st.lists(
            st.builds(Component, **COMPONENT),
            max_size=3,
            unique_by=(lambda one: one.ref, lambda one: one.name),
        ).map(lambda rows: tuple(sorted(rows, key=lambda one: one.ref)))
    )
    refs = [one.ref for one in components]
    # A piece comes after its whole, so that none goes round to itself.
    components = tuple(
        replace(one, part_of=draw(st.sampled_from(["", *refs[:at]]))) for at, one in enumerate(components)
    )
    pairs = [(one, other) for one in refs for other in refs if one != other]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3)) if pairs else []
    flows = draw(st.lists(st.builds(Workflow, **WORKFLOW), max_size=2, unique_by=lambda one: one.path))
    return Inventory(
        components=components,
        relations=tuple(sorted(Relation(*pair) for pair in chosen)),
        projects=(Project("."), draw(st.builds(Project, **PROJECT))),
        complete=tuple(sorted(draw(st.sets(st.sampled_from([".", "demo"]))))),
        workflows=tuple(sorted(flows, key=lambda one: one.path)),
    )


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (Component, COMPONENT),
        (Project, PROJECT),
        (Step, STEP),
        (Task, TASK),
        (Workflow, WORKFLOW),
        (Inventory, {"components": 0, "relations": 0, "projects": 0, "complete": 0, "workflows": 0}),
        (Location, {"path": 0, "member": 0, "offset": 0, "line": 0, "cell": 0}),
        (Digest, {"algorithm": 0, "value": 0}),
        (Fact, {"name": 0, "value": 0}),
        (Relation, {"source": 0, "target": 0}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_field_of_the_model_is_tried(model: type, table: Mapping[str, object]) -> None:
    assert set(table) == set(fields(model))


def test_a_licence_of_the_list_comes_back_as_the_list_spells_it() -> None:
    inventory = Inventory(components=(Component("a", "a", Kind.MODEL, licences=("hDF5",)),))
    assert read(cyclonedx.write(inventory)).components[0].licences == ("HDF5",)


@settings(max_examples=120, deadline=None)
@given(inventories(), st.sampled_from(cyclonedx.SPECS))
def test_what_was_written_comes_back(inventory: Inventory, spec: str) -> None:
    assert read(cyclonedx.write(inventory, spec=spec)) == inventory
