"""A page as a person's browser shows it: headless Chromium, driven through selenium."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESKTOP = (1280, 900)
TELEPHONE = (390, 844)
TABLET = (768, 1024)
SCHEMES = ("light", "dark")


def missing() -> str:
    """Why there is no browser to look with; empty where there is one."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not found (Debian: chromium, chromium-driver)" * bool(lacking)


@dataclass(frozen=True)
class Shown:
    """What was seen while a page was opened."""

    complaints: tuple[str, ...]
    """Of the console: errors and warnings."""
    requests: tuple[str, ...]
    """Addresses that were asked for, beside the page itself and what is inside it."""
    overflow: tuple[str, ...]
    """Elements that reach beyond the page's width, without a scroll bar of their own."""
    load_s: float
    """From the request of the page to its last event."""


_OVERFLOW = """
const width = document.documentElement.clientWidth;
const found = [];
if (document.documentElement.scrollWidth > width) {
  found.push(`the page: ${document.documentElement.scrollWidth} > ${width}`);
}
const scrolls = (element) => {
  for (let one = element.parentElement; one !== null; one = one.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(one).overflowX)) return true;
  }
  return false;
};
for (const element of document.querySelectorAll("main *, header *")) {
  const box = element.getBoundingClientRect();
  if (box.width > 0 && box.right > width + 1 && !scrolls(element)) {
    found.push(`${element.tagName} ${element.className} to ${Math.round(box.right)} of ${width}: `
               + element.textContent.slice(0, 40));
  }
}
return found.slice(0, 5);
"""
_LOADED = "const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd;"


class Browser:
    """One Chromium; pages are opened in it one after the other."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, size: tuple[int, int], scheme: str) -> Shown:
        """Open a file at a size of window, in a colour scheme, and say what was seen."""
        width, height = size
        self._do(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self.emulate("screen", scheme)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)  # what an earlier page left
        self.driver.get(page.as_uri())
        return Shown(
            complaints=tuple(entry["message"] for entry in self.driver.get_log("browser")),
            requests=tuple(self._requests(page)),
            overflow=tuple(self.driver.execute_script(_OVERFLOW)),
            load_s=float(self.driver.execute_script(_LOADED)) / 1000,
        )

    def emulate(self, media: str, scheme: str) -> None:
        """Show the page on `screen` or in `print`, in a colour scheme of the system."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._do("Emulation.setEmulatedMedia", media=media, features=[feature])

    def press(self, key: str) -> None:
        """Press a key by selenium's name for it (`TAB`), where the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        ActionChains(self.driver).send_keys(getattr(Keys, key)).perform()

    def run(self, script: str) -> Any:
        """Run JavaScript in the page and return what it returns."""
        return self.driver.execute_script(script)

    def picture(self, *, most_height: int | None = None) -> bytes:
        """The page as PNG: the whole of it, or the uppermost part of that height."""
        width, height = self.run(
            "const e = document.documentElement; return [e.clientWidth, e.scrollHeight];"
        )
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, most_height or height)}
        shot = self._do(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True,
            clip={**clip, "scale": 1},
        )  # fmt: skip
        return base64.b64decode(shot["data"])

    def _do(self, command: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    def _requests(self, page: Path) -> Iterator[str]:
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            address = str(message["params"]["request"]["url"])
            if address != page.as_uri() and not address.startswith(("data:", "blob:")):
                yield address


@contextmanager
def chromium(downloads: Path | None = None) -> Iterator[Browser]:
    """Start Chromium for the block; what a page saves goes to `downloads`."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
        "--hide-scrollbars", "--disable-background-networking", "--no-first-run",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if downloads is not None:
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    # The driver is named, so that selenium does not look for one in the network.
    driver = webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
