"""The door to the network, held against servers that break off, lie, drip, redirect and answer with pages."""

import gzip
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from scanner import net
from scanner.errors import LimitReached, ScanError
from scanner.limits import Limits
from tests.advisories.mirror import Mirror, reply, running, serve, tag

BODY = bytes(range(256)) * 2000


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with running() as served:
        served.files["/a.zip"] = BODY
        yield served


def fetch(url: str, target: Path, most: int = 1 << 20, limits: Limits | None = None) -> net.Fetched:
    with net.session() as opened:
        return net.fetch(opened, url, target, max_bytes=most, limit="dump_bytes", limits=limits)


def test_a_file_comes_whole_and_leaves_nothing_beside_it(mirror: Mirror, tmp_path: Path) -> None:
    got = fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip")
    assert got.path.read_bytes() == BODY
    assert (got.size, got.etag, got.resumed) == (len(BODY), tag(BODY), False)
    assert list(tmp_path.iterdir()) == [got.path]


def test_what_is_sent_is_the_address_and_our_name(mirror: Mirror, tmp_path: Path) -> None:
    said: list[str] = []
    with net.session() as opened:
        net.fetch(opened, f"{mirror.url}/a.zip", tmp_path / "a", max_bytes=9**9, limit="x", tell=said.append)
    [(_, sent)] = mirror.asked
    assert set(sent) <= {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
    assert sent["User-Agent"] == "weighbridge"
    assert said
    assert "/a.zip" in said[0]


def test_a_broken_download_goes_on_where_it_broke_off(mirror: Mirror, tmp_path: Path) -> None:
    mirror.break_off("/a.zip", 300_000)
    got = fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip")
    assert got.path.read_bytes() == BODY
    assert got.resumed
    assert [headers.get("Range") for _, headers in mirror.asked] == [None, "bytes=300000-"]
    assert mirror.asked[1][1]["If-Range"] == tag(BODY)


def test_a_later_call_goes_on_too(mirror: Mirror, tmp_path: Path) -> None:
    mirror.break_off("/a.zip", 100_000, times=1)
    with pytest.raises(net.BrokenOff):
        fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip", limits=Limits(fetch_attempts=1))
    assert not (tmp_path / "a.zip").exists()
    assert fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip").resumed


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(mirror: Mirror, tmp_path: Path) -> None:
    mirror.break_off("/a.zip", 100_000, times=1)
    with pytest.raises(net.BrokenOff):
        fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip", limits=Limits(fetch_attempts=1))
    mirror.files["/a.zip"] = BODY[::-1]
    assert fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip").path.read_bytes() == BODY[::-1]


def test_what_was_begun_elsewhere_is_not_gone_on_with(mirror: Mirror, tmp_path: Path) -> None:
    mirror.break_off("/a.zip", 100_000, times=1)
    mirror.files["/b.zip"] = b"other"
    with pytest.raises(net.BrokenOff):
        fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip", limits=Limits(fetch_attempts=1))
    assert fetch(f"{mirror.url}/b.zip", tmp_path / "a.zip").path.read_bytes() == b"other"


def _wrong_rest(handler: BaseHTTPRequestHandler) -> None:
    if not handler.headers.get("Range"):
        serve(handler, BODY, most=1000)
        return
    reply(206, BODY[5:], Content_Range=f"bytes 5-{len(BODY) - 1}/{len(BODY)}", ETag=tag(BODY))(handler)


def _drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    try:
        for _ in range(300):
            handler.wfile.write(b"x")
            time.sleep(0.02)
    except OSError:
        handler.close_connection = True


def _endless_redirect(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://localhost:1/a")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(bytes(100_000))
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(
            reply(200, b"short", Content_Length="999"), net.BrokenOff, id="announces more than it sends"
        ),
        pytest.param(
            reply(200, b"x" * 99, Content_Length="5", x_goog_hash="md5=" + "A" * 24),
            net.BrokenOff,
            id="sends other bytes than its digest says",
        ),
        pytest.param(reply(200, bytes(2 << 20)), LimitReached, id="announces nothing and never ends"),
        pytest.param(reply(200, Content_Length=str(1 << 40)), LimitReached, id="announces a terabyte"),
        pytest.param(reply(200, b"<html>", Content_Type="text/html; charset=x"), net.Refused, id="a page"),
        pytest.param(
            reply(200, gzip.compress(bytes(1 << 24)), Content_Encoding="gzip"), net.Refused, id="packed bomb"
        ),
        pytest.param(reply(302, Location="http://localhost:1/a"), net.Refused, id="redirect to another host"),
        pytest.param(reply(302, Location="https://127.0.0.1/a"), net.Refused, id="redirect to another port"),
        pytest.param(reply(302, Location="file:///etc/passwd"), net.Refused, id="redirect to a file"),
        pytest.param(reply(302, Location="http://[::1"), net.Refused, id="redirect to nonsense"),
        pytest.param(reply(302, Location="/a.zip"), net.Refused, id="redirect to itself"),
        pytest.param(reply(302), net.Refused, id="redirect to nowhere"),
        pytest.param(_endless_redirect, net.Refused, id="redirect with a body that never ends"),
        pytest.param(
            reply(206, b"x", Content_Range="bytes 0-0/1"), net.Refused, id="a part nobody asked for"
        ),
        pytest.param(reply(500, b"sorry"), net.Refused, id="an error"),
        pytest.param(reply(404, b"sorry"), net.Refused, id="not there"),
        pytest.param(_wrong_rest, net.BrokenOff, id="the rest of something else"),
        pytest.param(_drip, net.Unreachable, id="drips"),
    ],
)
def test_a_server_that_misbehaves_leaves_no_file(
    mirror: Mirror, tmp_path: Path, answer: object, error: type[ScanError]
) -> None:
    mirror.odd["/a.zip"] = answer  # type: ignore[assignment]
    limits = Limits(fetch_deadline_s=0.5, fetch_attempts=2)
    with pytest.raises(error):
        fetch(f"{mirror.url}/a.zip", tmp_path / "a.zip", limits=limits)
    assert not (tmp_path / "a.zip").exists()


def test_a_redirect_on_the_same_server_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    mirror.odd["/old"] = reply(301, Location="/a.zip")
    assert fetch(f"{mirror.url}/old", tmp_path / "a.zip").path.read_bytes() == BODY


def test_the_digest_that_a_bucket_sends_along_is_checked(mirror: Mirror, tmp_path: Path) -> None:
    said = b64encode(md5(b"good").digest()).decode()
    mirror.odd["/a"] = reply(200, b"good", x_goog_hash=f"crc32c=AAAAAA==, md5={said}")
    assert fetch(f"{mirror.url}/a", tmp_path / "a").path.read_bytes() == b"good"


def test_no_server_is_unreachable(tmp_path: Path) -> None:
    with running() as served:
        url = served.url
    with pytest.raises(net.Unreachable):
        fetch(f"{url}/a.zip", tmp_path / "a.zip")


def test_a_proxy_of_the_environment_is_used(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", mirror.url)
    monkeypatch.setenv("NO_PROXY", "")
    mirror.odd["http://osv.invalid/a.zip"] = reply(200, b"through the proxy")
    assert fetch("http://osv.invalid/a.zip", tmp_path / "a").path.read_bytes() == b"through the proxy"


@pytest.mark.parametrize(
    ("variables", "verify"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({"SSL_CERT_FILE": "/ca.pem"}, "/ca.pem", id="SSL_CERT_FILE"),
        pytest.param({"SSL_CERT_DIR": "/certs"}, "/certs", id="SSL_CERT_DIR"),
        # requests reads this one itself, and lets it win.
        pytest.param({"SSL_CERT_FILE": "/a", "REQUESTS_CA_BUNDLE": "/b"}, "/b", id="REQUESTS_CA_BUNDLE"),
    ],
)
def test_an_authority_of_ones_own_is_honoured(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], verify: object
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with net.session() as opened:
        settings = opened.merge_environment_settings("https://x.invalid", {}, True, None, None)
    assert settings["verify"] == verify


def test_no_secret_of_an_address_is_shown(mirror: Mirror, tmp_path: Path) -> None:
    url = mirror.url.replace("//", "//me:secret@")
    with pytest.raises(net.Refused) as caught:
        fetch(f"{url}/none?token=secret", tmp_path / "a")
    assert "secret" not in str(caught.value)
    assert mirror.asked[0][1]["Authorization"].startswith("Basic")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "osv.example",
        "ftp://a/b",
        "file:///etc",
        "http://",
        "https://a/?x",
        "https://a#b",
        "http://a\nb",
        "http://[",
        "http://a:x",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(net.Refused):
        net.base(url)


def test_a_base_ends_without_a_slash() -> None:
    assert net.base("https://mirror.example/osv/") == "https://mirror.example/osv"
