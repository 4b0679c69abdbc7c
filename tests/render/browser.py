"""A real Chromium without a window, driven over the WebDriver protocol: what a page does when it is used."""

import base64
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.conftest import chromedriver, chromium

ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

KEYS: Final = {
    "ArrowDown": "\ue015",
    "ArrowUp": "\ue013",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Tab": "\ue004",
}


class Browser:
    """One session of a browser."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client, self._session = client, session

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._client.request(method, f"/session/{self._session}{path}", json=body)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def open(self, url: str) -> None:
        """Load a page, and wait for it."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *args: Any) -> Any:
        """What a script returns in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def wait(self, script: str, *args: Any) -> Any:
        """What a promise becomes."""
        return self._call("POST", "/execute/async", {"script": script, "args": list(args)})

    def until(self, condition: str, *args: Any) -> None:
        """Wait until an expression is true of the page, looking at each frame."""
        self.wait(
            "const done = arguments[arguments.length - 1], args = [...arguments];"
            f"const look = () => {{ if ({condition}) done(); else requestAnimationFrame(look); }}; look();",
            *args,
        )

    def keys(self, *keys: str) -> None:
        """Press keys one after the other: names of KEYS, or text."""
        actions = []
        for key in keys:
            for one in [KEYS[key]] if key in KEYS else list(key):
                actions += [{"type": "keyDown", "value": one}, {"type": "keyUp", "value": one}]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, selector: str) -> None:
        """Click what a CSS selector finds."""
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        self._call("POST", f"/element/{found[ELEMENT]}/click", {})

    def devtools(self, command: str, **params: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def screen(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the size of the screen, and whether its owner likes it dark."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, file: Path) -> None:
        """What is on the screen, as PNG."""
        file.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def log(self) -> list[str]:
        """What the browser complained about since it was asked last."""
        return [one["message"] for one in self._call("POST", "/se/log", {"type": "browser"})]


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    binary, program = chromium(), chromedriver()
    assert binary is not None
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="pnsync-chromium-", ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            [program, f"--port={port}", "--log-level=OFF"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        transport = httpx.HTTPTransport(
            retries=20
        )  # connections only, with a growing pause, until the driver listens
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60, transport=transport, trust_env=False
        )
        try:
            options = {"binary": binary, "args": [*FLAGS, f"--user-data-dir={profile}"]}
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            made = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
            assert "sessionId" in made, made
            yield Browser(client, made["sessionId"])
            client.delete(f"/session/{made['sessionId']}")
        finally:
            client.close()
            driver.terminate()
            driver.wait(10)
