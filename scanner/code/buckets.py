"""Files that code takes out of buckets: S3, Google Cloud Storage and Azure, by their libraries and by fsspec.

Laws: boto3's reference, "S3: download_file, download_fileobj, get_object"; google-cloud-storage's "Blob";
azure-storage-blob's "BlobClient"; fsspec's "open"; s3fs' and gcsfs' references.
"""

from collections.abc import Iterator

from scanner.code.apis import Api
from scanner.code.arguments import argument_of
from scanner.code.danger import text_given
from scanner.code.module import Call, Module
from scanner.code.program import Program
from scanner.code.values import Made, Value, text_of
from scanner.model import Reference, Resolved

_SCHEMES = (
    "s3://",
    "gs://",
    "gcs://",
    "az://",
    "abfs://",
    "abfss://",
    "r2://",
    "oss://",
    "http://",
    "https://",
)
_WRITES = ("Filename", "filename", "rpath", "lpath")


def fetched(api: Api, call: Call, module: Module, program: Program) -> Iterator[Reference]:
    """The address of each file that a call takes out of a bucket, where its bucket and key are known."""
    for address in addresses(api, call, module, program):
        yield Reference("url", address, call.where, api=call.dotted)


def addresses(api: Api, call: Call, module: Module, program: Program) -> Iterator[str]:
    """``s3://bucket/key`` and its like."""
    last = call.dotted.rpartition(".")[2]
    if api.format == "fs":
        for target in program.targets(argument_of(call, api.keywords, api.at), module):
            if not isinstance(target, Resolved) or target.held:
                continue
            scheme = {"s3fs": "s3://", "gcsfs": "gs://"}.get(api.library, "")
            if target.kind == "url" and target.name.startswith(_SCHEMES):
                yield target.name
            elif target.kind == "path" and scheme and "/" in target.name:
                yield f"{scheme}{target.name}"
        return
    bucket = _of_base(
        call.base, ("Bucket", "Object", "bucket", "get_bucket", "get_container_client"), program, module
    )
    if api.format == "s3":
        client = not bucket
        bucket = bucket or text_given(call, ("Bucket",), 0, program, module)
        key = text_given(call, ("Key",), 0 if not client else 1, program, module)
        if last == "get_object":
            bucket, key = (text_given(call, (name,), 99, program, module) for name in ("Bucket", "Key"))
        key = _of_base(call.base, ("Object",), program, module, at=1) or key
    else:
        key = _of_base(call.base, ("blob", "get_blob"), program, module)
    if bucket and key:
        yield f"{'s3' if api.format == 's3' else 'gs'}://{bucket}/{key}"


def written(api: Api, call: Call) -> Value | None:
    """The argument that names the file which a call writes."""
    if api.format == "fs":
        return argument_of(call, ("lpath",), 1)
    if api.format == "gs":
        return argument_of(call, ("filename",), 0)
    named = call.base is not None and any(
        isinstance(one, Made) and one.dotted.endswith((".Bucket", ".Object")) for one in _bases(call.base)
    )
    whole = named and any(
        isinstance(one, Made) and one.dotted.endswith(".Object") for one in _bases(call.base)
    )
    return argument_of(call, _WRITES, 0 if whole else 1 if named else 2)


def _bases(value: Value | None) -> Iterator[Value]:
    for _ in range(8):
        if value is None:
            return
        yield value
        value = value.base if isinstance(value, Made) else None


def _of_base(
    base: Value | None, names: tuple[str, ...], program: Program, module: Module, at: int = 0
) -> str:
    """The text that one of these methods was given, on the way to the call."""
    for one in _bases(base):
        if isinstance(one, Made) and one.dotted.rpartition(".")[2] in names and len(one.args) > at:
            texts = (text_of(each) for each in program.settled(one.args[at], module))
            return next((text for text in texts if text), "")
    return ""
