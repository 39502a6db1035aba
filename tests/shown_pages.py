"""HTML pages as tests look at them: their outline, and how wide a real browser needs them."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
WIDTHS = (390, 1280)


class Outline(HTMLParser):
    """Tags in order, the text outside of style, and a complaint for each tag closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def outline(document: str) -> Outline:
    parsed = Outline()
    parsed.feed(document)
    parsed.close()
    return parsed


def measured_in_a_browser(document: str, folder: Path, width: int) -> tuple[str, int, int]:
    """Its title, and its width as shown and as needed. A frame of that width around it measures: the browser's own
    windows have a least width."""
    wanted = "[page.title, page.documentElement.clientWidth, page.documentElement.scrollWidth]"
    title, shown, needed = _asked_in_a_browser(document, folder, width, wanted)
    return title, int(shown), int(needed)


def texts_cut_in_a_browser(document: str, folder: Path, width: int) -> list[str]:
    """Numbers that are broken over lines, and names of phases of which only a part is shown."""
    broken = "[...page.querySelectorAll('.tight')].filter(cell => cell.firstChild && lines(cell) > 1)"
    cut = "[...page.querySelectorAll('.phases b')].filter(name => name.offsetTop < 9 && name.textContent.length < 13"
    cut += " && name.scrollWidth > name.clientWidth)"
    return _asked_in_a_browser(document, folder, width, f"[...{broken}, ...{cut}].map(each => each.textContent)")


def _asked_in_a_browser(document: str, folder: Path, width: int, wanted: str) -> list[str]:
    (folder / "report.html").write_text(document, encoding="utf-8")
    (folder / "frame.html").write_text(
        f'<iframe src="report.html" style="width:{width}px;height:900px;border:0" onload="measure(this)"></iframe>'
        "<p id=seen></p><script>function lines(cell) { const all = cell.ownerDocument.createRange();"
        "all.selectNodeContents(cell); return new Set([...all.getClientRects()].map(each => each.top)).size }"
        "function measure(frame) { const page = frame.contentDocument;"
        f"seen.textContent = {wanted}.join('|') }}</script>"
    )
    dom = _dump_dom(folder / "frame.html", profile=folder / "profile")
    seen = dom.partition('<p id="seen">')[2].partition("</p>")[0]
    return seen.split("|") if seen else []


def _dump_dom(file: Path, *, profile: Path) -> str:
    browser = shutil.which("chromium")
    assert browser is not None
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--hide-scrollbars", "--allow-file-access-from-files", f"--user-data-dir={profile}", "--dump-dom",
    )  # fmt: skip
    done = subprocess.run([browser, *options, file.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout
