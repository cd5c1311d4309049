"""Pictures of the pages, made from reports in headless Chromium, as the README shows them.

Each page's uppermost part at desktop width, in a light and a dark scheme, and on a telephone. The
same browser harness looks at the pages in the tests.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

import reporting
from PIL import Image

sys.path.insert(0, str(reporting.ROOT))

from gputune import api
from gputune.api.pages import render_page
from gputune.schema.read import AnyRecord
from tests.integration.browser import (
    DESKTOP,
    TELEPHONE,
    Browser,
    chromium,
    missing,
)

FOLDER = reporting.ROOT / "reports" / "screenshots"
MOST_BYTES = 300_000
LOOKS = {
    "desktop-light": (DESKTOP, "light", 1900),
    "desktop-dark": (DESKTOP, "dark", 1900),
    "telephone-light": (TELEPHONE, "light", 2400),
    "telephone-dark": (TELEPHONE, "dark", 2400),
}


def small(picture: bytes) -> bytes:
    """The picture with at most 256 colours, which is what these flat pages have, edges aside."""
    paper = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(paper, "PNG", optimize=True)
    return paper.getvalue()


def shoot(browser: Browser, record: AnyRecord, name: str, looks: list[str], folder: Path) -> None:
    """Write the pictures of a record's page, and complain of what the browser complains of."""
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "page.html"
        page.write_text(render_page(record, json_name=f"{name}.json"), encoding="utf-8")
        for look in looks:
            size, scheme, height = LOOKS[look]
            shown = browser.open(page, size, scheme)
            if shown.complaints or shown.requests or shown.overflow:
                raise SystemExit(f"{name}, {look}: {shown}")
            content = small(browser.picture(most_height=height))
            path = folder / f"{name}-{look}.png"
            path.write_bytes(content)
            print(f"{path.name}: {len(content):,} bytes")
            if len(content) > MOST_BYTES:
                raise SystemExit(f"{path} is larger than {MOST_BYTES:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs="+", metavar="NAME=FILE.json")
    parser.add_argument("--looks", nargs="+", choices=LOOKS, default=list(LOOKS))
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    if missing():
        raise SystemExit(missing())
    options.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for given in options.reports:
            name, _, file = given.partition("=")
            shoot(browser, api.load(file), name, options.looks, options.out)


if __name__ == "__main__":
    main()
