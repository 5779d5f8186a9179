"""What lies beside weights tells of them; what is tracked is known once, with every place that names it."""

from sbom.model import Component, Digest, Fact, FactName, Kind, Location
from scanner.inventory import take_stock
from scanner.model import (
    Artifact,
    Declaration,
    Described,
    Inspection,
    Origin,
    OriginKind,
    Outcome,
    Reading,
    Tracked,
)

LICENCE = Fact(FactName.LICENCE, "mit")
MD5 = Digest("md5", "a" * 32)


def weights(path: str, digit: str = "1") -> Artifact:
    where = Location(path)
    return Artifact(
        where, "safetensors", 1, (Digest("sha256", digit * 64),), (Inspection(where, "x", Outcome.INSPECTED),)
    )


def components(files: dict[str, list[Reading]], *artifacts: Artifact) -> dict[str, Component]:
    found = take_stock(files, artifacts).inventory.components
    assert len({one.ref for one in found}) == len(found)
    return {one.ref: one for one in found}


def facts(one: Component) -> list[object]:
    return [fact.value for fact in one.facts]


def test_a_card_tells_of_the_weights_in_its_folder_alone() -> None:
    files: dict[str, list[Reading]] = {
        "a/README.md": [Described(Location("a/README.md"), (LICENCE,), name="net")]
    }
    found = components(files, weights("a/m.safetensors"), weights("a/b/m.safetensors", "2"))
    assert [(one.name, facts(one)) for one in found.values()] == [
        ("m.safetensors", ["mit"]),
        ("m.safetensors", []),
    ]


def test_what_holds_for_all_parts_reaches_the_folders_below() -> None:
    row = Described(Location("a/MLmodel"), (LICENCE,), below=True)
    models = [weights("a/d/m.safetensors"), weights("ab/m.safetensors", "2"), weights("a/x.safetensors", "3")]
    found = components({"a/MLmodel": [row]}, *models)
    assert sorted((str(one.seen[0]), facts(one)) for one in found.values()) == [
        ("a/d/m.safetensors", ["mit"]),
        ("a/x.safetensors", ["mit"]),
        ("ab/m.safetensors", []),
    ]


def test_a_card_without_weights_is_a_model_by_its_name() -> None:
    row = Described(Location("README.md"), (LICENCE,), Kind.DATA, "Cats")
    (one,) = components({"README.md": [row]}).values()
    assert (one.name, one.kind, facts(one)) == ("Cats", Kind.DATA, ["mit"])
    assert components({"README.md": [Described(Location("README.md"), (LICENCE,))]}) == {}


def test_a_tracked_file_is_one_component_with_every_place_that_names_it() -> None:
    files: dict[str, list[Reading]] = {
        "data/x.csv.dvc": [Tracked("x.csv", Location("data/x.csv.dvc", line=5), digests=(MD5,))],
        "dvc.yaml": [
            Tracked("data/x.csv", Location("dvc.yaml", line=3), joins=True),
            Tracked("train.py", Location("dvc.yaml", line=4), joins=True),
            Tracked("m.onnx", Location("dvc.yaml", line=5)),
        ],
    }
    found = sorted(components(files).values(), key=lambda one: one.name)
    assert [(one.name, one.kind, [str(where) for where in one.seen]) for one in found] == [
        ("m.onnx", Kind.MODEL, ["dvc.yaml:5"]),
        ("x.csv", Kind.DATA, ["data/x.csv.dvc:5", "dvc.yaml:3"]),
    ]
    assert found[1].purl == f"pkg:generic/x.csv?checksum=md5:{'a' * 32}"


def test_bytes_that_lie_here_are_known_by_their_own_digest() -> None:
    row = Tracked("m.safetensors", Location("m.safetensors.dvc", line=1), digests=(MD5,))
    (one,) = components({"m.safetensors.dvc": [row]}, weights("m.safetensors")).values()
    assert one.digests == (Digest("sha256", "1" * 64),)
    assert [str(where) for where in one.seen] == ["m.safetensors", "m.safetensors.dvc:1"]


def test_two_folders_of_one_name_are_two_components() -> None:
    listing = (Digest("md5.dir", "b" * 32),)
    files: dict[str, list[Reading]] = {
        "dvc.lock": [
            Tracked("a/raw", Location("dvc.lock", line=1), digests=listing),
            Tracked("b/raw", Location("dvc.lock", line=2), digests=listing),
            Tracked(
                "s3://bucket/raw",
                Location("dvc.lock", line=3),
                origin=Origin(OriginKind.URL, "s3://bucket/raw"),
            ),
        ]
    }
    found = components(files)
    assert sorted((one.kind.value, one.origin) for one in found.values()) == [
        ("data", ""),
        ("data", ""),
        ("data", "s3://bucket/raw"),
    ]


def hub(name: str, line: int, version: str = "") -> Declaration:
    return Declaration(
        name,
        Location("README.md", line=line),
        ecosystem="huggingface",
        version=version,
        origin=Origin(OriginKind.INDEX, f"https://huggingface.co/{name}"),
    )


def test_a_pin_of_one_line_settles_no_other_line_that_names_the_model() -> None:
    commit = "c" * 40
    found = components({"README.md": [hub("o/m", 1), hub("o/m", 2, commit), hub("o/m", 3)]})
    assert {ref: [where.line for where in one.seen] for ref, one in found.items()} == {
        "pkg:huggingface/o/m": [1, 3],
        f"pkg:huggingface/o/m@{commit}": [2],
    }


def test_what_a_hub_holds_has_a_kind() -> None:
    found = components(
        {"README.md": [hub("o/m", 1), hub("datasets/o/d", 2), hub("spaces/o/s", 3), hub("gpt2", 4)]}
    )
    assert sorted((one.kind.value, ref) for ref, one in found.items()) == [
        ("application", "pkg:generic/o/s?download_url=https://huggingface.co/spaces/o/s"),
        ("data", "pkg:generic/o/d?download_url=https://huggingface.co/datasets/o/d"),
        ("machine-learning-model", "pkg:generic/gpt2?download_url=https://huggingface.co/gpt2"),
        ("machine-learning-model", "pkg:huggingface/o/m"),
    ]
