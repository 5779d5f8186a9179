"""Package URLs by hand: every one is what the reference library writes and reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from sbom import purl

SHA = "a" * 64


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (purl.pypi("Torch", "2.1.0+cu121"), "pkg:pypi/torch@2.1.0%2Bcu121"),
        (purl.pypi("Foo.Bar__baz"), "pkg:pypi/foo-bar-baz"),
        (purl.pypi("x", "1!2.0"), "pkg:pypi/x@1%212.0"),
        (purl.generic("model.pt", checksum=f"sha256:{SHA}"), f"pkg:generic/model.pt?checksum=sha256:{SHA}"),
        (purl.generic("a b@c#d?.pt"), "pkg:generic/a%20b%40c%23d%3F.pt"),
        (purl.github("PyTorch", "Vision", "v1"), "pkg:github/pytorch/vision@v1"),
        (purl.huggingface("Meta-Llama/Llama-2", "ABCDEF"), "pkg:huggingface/Meta-Llama/Llama-2@abcdef"),
        (
            purl.oci("Ghcr.io/Org/Image", digest=f"sha256:{SHA}", tag="v1"),
            f"pkg:oci/image@sha256:{SHA}?repository_url=ghcr.io/org/image&tag=v1",
        ),
        (purl.conda("PyTorch", "2.1", build="py310", channel=""), "pkg:conda/pytorch@2.1?build=py310"),
    ],
)
def test_each_type_is_written_as_its_definition_says(built: str, expected: str) -> None:
    assert built == expected
    assert PackageURL.from_string(built).to_string() == expected


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (purl.hub("Org/Name", "A" * 40), f"pkg:huggingface/Org/Name@{'a' * 40}"),
        (purl.hub("org/name", "main"), "pkg:huggingface/org/name"),
        (purl.hub("org/name", "abc1234"), "pkg:huggingface/org/name"),
        (purl.hub("gpt2"), "pkg:generic/gpt2?download_url=https://huggingface.co/gpt2"),
        (
            purl.hub("datasets/org/d", "b" * 40),
            f"pkg:generic/org/d@{'b' * 40}?download_url=https://huggingface.co/datasets/org/d",
        ),
        (purl.hub("datasets/squad"), "pkg:generic/squad?download_url=https://huggingface.co/datasets/squad"),
        (purl.hub("spaces/o/s"), "pkg:generic/o/s?download_url=https://huggingface.co/spaces/o/s"),
    ],
)
def test_only_models_with_a_namespace_have_the_hubs_type_and_only_commits_are_versions(
    built: str, expected: str
) -> None:
    assert built == expected
    assert PackageURL.from_string(built).to_string() == expected


def test_a_model_without_a_namespace_is_no_hugging_face_url() -> None:
    with pytest.raises(ValueError, match="namespaced"):
        purl.huggingface("bert-base-uncased")


@pytest.mark.parametrize("name", ["Foo.Bar_baz", "a--b", "A", "x_.-y"])
def test_names_are_normalised_as_packaging_does_it(name: str) -> None:
    from packaging.utils import canonicalize_name

    assert purl.normalise_name(name) == canonicalize_name(name)


# The reference reader strips blanks at the ends, and leaves a slash in a name as it is.
TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_characters="\0/"), max_size=8).map(str.strip).filter(bool)
)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_any_name_and_version_come_back_from_the_reference_reader(
    name: str, version: str, value: str
) -> None:
    built = purl.build("generic", name, version, qualifiers={"download_url": value})
    read = PackageURL.from_string(built)
    assert isinstance(read.qualifiers, dict)
    assert (read.version, read.qualifiers["download_url"]) == (version, value)
    assert read.name == name


def test_a_file_name_that_does_not_decode_keeps_its_bytes() -> None:
    assert purl.generic("caf\udce9.pt") == "pkg:generic/caf%E9.pt"
    assert purl.generic("\ud800") == "pkg:generic/%ED%A0%80"
