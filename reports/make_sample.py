"""`make sample`: plays the demo bank's sea trial; keeps its report in reports/sample/ and a picture for the README.

The picture needs Chromium; without it the old one stays.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
KEPT = ("report.html", "verdict.json", "junit.xml")
PICTURE = HERE.parent / "docs" / "report.png"
CHROMIUM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,1500",
)


def main() -> int:
    """The exit status of the sea trial; the sample is only replaced by a verdict that is MET."""
    seatrial = Path(sys.executable).parent / "seatrial"
    status = subprocess.run([seatrial, "demo", "run"], cwd=HERE.parent, check=False).returncode
    if status == 0:
        newest = sorted((HERE / "out").glob("*/report.html"))[-1].parent
        for name in KEPT:
            shutil.copy(newest / name, HERE / "sample" / name)
        take_picture()
    return status


def take_picture() -> None:
    """The first screen of the sample report."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    with tempfile.TemporaryDirectory() as profile:
        page = (HERE / "sample" / "report.html").as_uri()
        command = [chromium, *CHROMIUM, f"--user-data-dir={profile}", f"--screenshot={PICTURE}", page]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    sys.exit(main())
