"""A real Chromium without a window, driven over its own debugging protocol, so that the tests need no driver besides it."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import connect
from websockets.sync.connection import Connection

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_LISTENING = re.compile(r"DevTools listening on ws://[^:]+:(\d+)/")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root in a container, where its sandbox cannot
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--mute-audio",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
_KEY_CODES = {
    "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46, "Tab": 9,
    **{f"F{number}": 111 + number for number in range(1, 13)},
}  # fmt: skip


class Page:
    """One page. Every method returns once the browser has done it."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self._last = 0
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=20))
            if message.get("id") == self._last:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self._notice(message)

    def _notice(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            details = message["params"]["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description") or details["text"]))
        elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.errors.append(message["params"]["entry"]["text"])

    def open(self, url: str, *, width: int = 1280, height: int = 800) -> None:
        """Go to a page, and wait until it is there: what the former one does at its end is not this one's doing."""
        self.size(width, height)
        self.do("Page.navigate", url=url)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(AssertionError):  # asked while the former page was going
                if self.run(
                    f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'"
                ):
                    return
        raise AssertionError(f"{url}: not there after 30 s; errors: {self.errors}")

    def size(self, width: int, height: int) -> None:
        """The size of the screen."""
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        """What a person reads there; empty if it is not there."""
        script = f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"
        return " ".join(str(self.run(script)).split())

    def until(self, condition: str, *, timeout_s: float = 10.0) -> Any:
        """Wait until an expression in the page is true."""
        script = f"""new Promise((found, failed) => {{
            const begin = performance.now();
            (function look() {{
                let value; try {{ value = {condition}; }} catch {{ value = false; }}
                if (value) found(value);
                else if (performance.now() - begin > {timeout_s * 1000}) failed(new Error('never: ' + {json.dumps(condition)}));
                else setTimeout(look, 20);
            }})();
        }})"""
        try:
            return self.run(script)
        except AssertionError as error:
            shown = self.run("document.body?.innerText ?? ''")
            raise AssertionError(f"{error}\nthe page shows:\n{shown}\nerrors: {self.errors}") from None

    def until_text(self, selector: str, text: str) -> None:
        """Wait until a text is shown."""
        self.until(f"document.querySelector({json.dumps(selector)})?.innerText.includes({json.dumps(text)})")

    def press(self, key: str) -> None:
        """Press and release one key, as a person does."""
        code = _KEY_CODES.get(key, ord(key.upper()[0]) if key[0].isalnum() else 0)
        typed = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.do("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **typed)
        self.do("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type_slowly(self, text: str) -> None:
        """Type as a person does: with pauses that no scanner makes."""
        for character in text:
            self.press(character)
            self.run("new Promise((done) => setTimeout(done, 90))")

    def type_fast(self, text: str) -> None:
        """Type as a keyboard scanner does, with the Enter at its end: the page's own events, without a pause."""
        script = f"""for (const key of [...{json.dumps(text)}, 'Enter'])
            (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', {{ key, bubbles: true, cancelable: true }}))"""
        self.run(script)

    def click(self, selector: str) -> None:
        """Touch something."""
        box = self.until(
            f"(() => {{ const box = document.querySelector({json.dumps(selector)})?.getBoundingClientRect();"
            " return box && box.width ? {x: box.x + box.width / 2, y: box.y + box.height / 2} : false; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.do(
                "Input.dispatchMouseEvent", type=kind, x=box["x"], y=box["y"], button="left", clickCount=1
            )

    def screenshot(self, path: Path) -> None:
        """What it looks like."""
        path.write_bytes(base64.b64decode(self.do("Page.captureScreenshot", format="png")["data"]))


def find_chromium() -> str:
    """The browser of this machine. A missing one fails the tests: it is named in what they need."""
    for name in CHROMIUM:
        if (found := shutil.which(name)) is not None:
            return found
    raise AssertionError(f"no Chromium found ({', '.join(CHROMIUM)}); install it, as tests/run does")


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser with one empty page; it is gone afterwards."""
    log = folder / "chromium.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [find_chromium(), *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        with connect(_page_address(process, log), max_size=None) as socket:
            page = Page(socket)
            yield page
            page.do("Browser.close")
        process.wait(10)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _page_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        listening = _LISTENING.search(log.read_text(errors="replace"))
        if listening:
            with urlopen(f"http://127.0.0.1:{listening[1]}/json/list", timeout=10) as answer:
                pages = [entry for entry in json.load(answer) if entry["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not start: {log.read_text(errors='replace')[-2000:]}")
