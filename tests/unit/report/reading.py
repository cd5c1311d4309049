"""What a browser makes of a page, and what every page promises."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser makes of a page: its elements, its text, its embedded data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self._kind: str | None = None
        self._scripts: list[tuple[str | None, str]] = []
        self.feed(text)
        self.close()
        self.data = "".join(text for kind, text in self._scripts if kind == "application/json")
        self.code = [text for kind, text in self._scripts if kind != "application/json"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":  # where a line may end, and nothing to be seen
            return
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "script":
            self._kind = dict(attrs).get("type")
        self.text += " "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.text += " "
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self._scripts.append((self._kind, data))
        elif not self._open or self._open[-1] != "style":
            self.text += data

    def words(self) -> str:
        return re.sub(r"\s+", " ", self.text)

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.elements if name in attrs]


def only_itself(page: Page) -> None:
    """Nothing in the page leads out of it: links are places in it, and the JSON to save."""
    assert not page.attributes("src")
    links = [link for link in page.attributes("href") if not link.startswith("#")]
    assert all(link.startswith("data:application/json;base64,") for link in links)
    places = set(page.attributes("id"))
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= places
    assert not [tag for tag, _ in page.elements if tag in {"img", "iframe", "link", "object"}]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


def one_script(page: Page, *, data: bool = True) -> None:
    """The page's only code is gputune's own, and the browser is told to run no other.

    With `data` the page also holds one JSON text, and else none.
    """
    kinds = [attrs.get("type") for tag, attrs in page.elements if tag == "script"]
    assert kinds == ["application/json"] * data + [None]
    (code,) = page.code
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    (policy,) = [
        attrs["content"] or ""
        for _, attrs in page.elements
        if attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.split("; ") == [
        "default-src 'none'", "style-src 'unsafe-inline'", f"script-src 'sha256-{digest}'"
    ]  # fmt: skip
