"""A real browser, spoken to over its own pipe: DevTools messages, each ended by a NUL byte."""

import base64
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
_PATIENCE_S = 60.0


def program() -> str | None:
    """The path of Chromium or Chrome; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One Chromium with a fresh profile, and one page in it."""

    def __init__(self) -> None:
        found = program()
        if found is None:
            raise FileNotFoundError("chromium")
        self.profile = Path(tempfile.mkdtemp(prefix="browser-"))
        theirs, self._out = os.pipe()
        self._in, answers = os.pipe()
        quiet = os.open(os.devnull, os.O_RDWR)
        self._pid = os.posix_spawn(
            found,
            [found, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            # A home of its own: whatever a wrapper or a library writes lands in the profile.
            {"PATH": os.environ.get("PATH", ""), "HOME": str(self.profile), "LANG": "C.UTF-8"},
            # First out of the way: 3 and 4 may be the pipes' own numbers.
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs, 103),
                (os.POSIX_SPAWN_DUP2, answers, 104),
                (os.POSIX_SPAWN_DUP2, 103, 3),
                (os.POSIX_SPAWN_DUP2, 104, 4),
                *((os.POSIX_SPAWN_DUP2, quiet, number) for number in (0, 1, 2)),
            ],
            setpgroup=0,
        )
        for number in (theirs, answers, quiet):
            os.close(number)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self._session = ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    @property
    def group(self) -> int:
        """The group that all processes of this browser belong to."""
        return self._pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._out)
        os.close(self._in)
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        shutil.rmtree(self.profile, ignore_errors=True)

    def send(self, method: str, **params: object) -> dict[str, Any]:
        """The answer to one command; what happens meanwhile is kept in ``events``."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _read(self, patience_s: float = _PATIENCE_S) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], patience_s)
            if not ready:
                raise TimeoutError("the browser says nothing")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise EOFError("the browser has ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def open(self, page: Path | str) -> None:
        """Loads the page, and returns when its load event has come."""
        self.events.clear()
        self.send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def settle(self) -> None:
        """Waits until the page has drawn twice and late events have come."""
        drawn = "requestAnimationFrame(() => requestAnimationFrame(done))"
        self.run(f"new Promise(done => setTimeout(() => {drawn}, 120))")

    def press(self, key: str, code: int, text: str = "") -> None:
        """One key as a keyboard gives it."""
        for kind in ("keyDown", "keyUp"):
            extra: Mapping[str, object] = {"text": text} if text and kind == "keyDown" else {}
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra
            )

    def look(self, *, width: int, height: int = 900, dark: bool = False, media: str = "") -> None:
        """The size of the window, the colours that the system asks for, and paper or screen."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def scripts(self, *, allowed: bool) -> None:
        """Whether pages that are opened from now on may run scripts."""
        self.send("Emulation.setScriptExecutionDisabled", value=not allowed)

    def picture(self) -> bytes:
        """What the window shows, as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def complaints(self) -> list[str]:
        """What was written to the console, thrown, logged or refused since the page was opened."""
        kinds = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(event["params"])[:500] for event in self.events if event.get("method") in kinds]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the page was opened."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]


def wait(condition: Any, seconds: float = 5) -> bool:
    """Whether ``condition()`` became true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False
