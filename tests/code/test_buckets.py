"""Files that code takes out of buckets."""

import pytest

from tests.code.reading import reading

S3 = "import boto3\ns3 = boto3.client('s3')\n"
GS = "from google.cloud import storage\nc = storage.Client()\n"


def named(text: str) -> list[str]:
    return [row.name for row in reading({"a.py": text}).references]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(f"{S3}s3.download_file('b', 'm.pt', 'x')", "s3://b/m.pt", id="a client"),
        pytest.param(f"{S3}s3.download_file(Bucket='b', Key='m', Filename='x')", "s3://b/m", id="named"),
        pytest.param(f"{S3}s3.get_object(Bucket='b', Key='m')['Body']", "s3://b/m", id="object"),
        pytest.param(
            "import boto3 as b\nb.resource('s3').Bucket('b').download_file('m')", "s3://b/m", id="resource"
        ),
        pytest.param(
            f"{GS}c.bucket('b').blob('m.pt').download_to_filename('m.pt')", "gs://b/m.pt", id="a blob"
        ),
        pytest.param("import fsspec\nfsspec.open('s3://b/m.pt')", "s3://b/m.pt", id="fsspec"),
        pytest.param("import s3fs\ns3fs.S3FileSystem().open('b/m.pt')", "s3://b/m.pt", id="s3fs"),
        pytest.param("import gcsfs\ngcsfs.GCSFileSystem().get('b/m.pt', 'm.pt')", "gs://b/m.pt", id="gcsfs"),
    ],
)  # fmt: skip
def test_the_address_is_a_reference(text: str, wanted: str) -> None:
    assert named(f"{text}\n") == [wanted]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{S3}s3.upload_file('m.pt', 'b', 'm.pt')", id="it is put there"),
        pytest.param(
            f"{S3}import sys\ns3.download_file(sys.argv[1], 'k', 'm')", id="a bucket that nobody knows"
        ),
        pytest.param("import fsspec\nfsspec.open('local/m.pt')", id="a file"),
        pytest.param(f"{GS}c.bucket('b').blob('m').upload_from_filename('m')", id="uploaded"),
    ],
)
def test_what_is_not_taken_or_not_known_is_none(text: str) -> None:
    assert named(f"{text}\n") == []


def test_what_was_taken_and_is_loaded_comes_from_outside() -> None:
    text = (
        f"import torch\n{S3}s3.download_file('b', 'm.pt', 'm.pt')\ntorch.load('m.pt', weights_only=False)\n"
    )
    assert [row.rule for row in reading({"a.py": text}).evidence] == ["SRC-003"]
