"""Git LFS pointers: the specification's laws, one by one."""

import pytest

from scanner.files.lfs import Pointer, pointer

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
V1 = "version https://git-lfs.github.com/spec/v1\n"
GOOD = f"{V1}oid sha256:{OID}\nsize 12345\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD, id="plain"),
        pytest.param(GOOD.replace("git-lfs.github.com", "hawser.github.com"), id="legacy"),
        pytest.param(f"{V1}ext-0-foo sha256:{OID}\noid sha256:{OID}\nsize 12345\n", id="with an extension"),
        pytest.param(f"{GOOD}x-later key\n", id="with a later key"),
    ],
)
def test_pointers_are_read(text: str) -> None:
    assert pointer(text.encode()) == Pointer(OID, 12345)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(GOOD.rstrip(), id="no newline at the end"),
        pytest.param(GOOD.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param(f"{V1}size 1\noid sha256:{OID}\n", id="keys out of order"),
        pytest.param(f"{V1}oid sha256:{OID}\noid sha256:{OID}\nsize 1\n", id="a key twice"),
        pytest.param(f"{V1}oid sha256:{OID.upper()}\nsize 1\n", id="upper case"),
        pytest.param(f"{V1}oid md5:{OID}\nsize 1\n", id="another digest"),
        pytest.param(f"{V1}oid sha256:{OID}\n", id="no size"),
        pytest.param(f"{V1}oid sha256:{OID}\nsize -1\n", id="negative size"),
        pytest.param(f"{V1}oid sha256:{OID}\nsize 0x10\n", id="size in hexadecimal"),
        pytest.param(f"{V1}oid sha256:{OID}\nsize 1\n\n", id="an empty line"),
        pytest.param(f"oid sha256:{OID}\nsize 1\n{V1}", id="version last"),
        pytest.param(GOOD.replace("spec/v1", "spec/v9"), id="an unknown version"),
        pytest.param(GOOD + "z " + "x" * 1024 + "\n", id="too long"),
        pytest.param(GOOD + "cos\nsystem\n(S'id'\ntR.", id="a pickle behind it"),
    ],
)
def test_whatever_breaks_a_law_is_no_pointer(text: str) -> None:
    assert pointer(text.encode()) is None


def test_bytes_that_do_not_decode_are_no_pointer() -> None:
    assert pointer(GOOD.encode() + b"\xff\n") is None
