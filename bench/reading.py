"""How long 300 scenario files take to be read and validated, beside PyYAML's C loader parsing the same files.

In this process, in alternating rounds, by its CPU time: the disk and what else the machine does are no part of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from seatrial.scenarios.read import read_scenarios

FILES = 300
TIMES, PLUS_S = 1.5, 0.5
ROOT = Path(__file__).parent.parent
MODELS = (
    Path(__file__).with_name("journey") / "scenarios" / "journey.yaml",
    ROOT / "scenarios" / "pay_with_a_card.yaml",
)


@dataclass(frozen=True)
class Reading:
    """Seconds of every round."""

    ours_s: tuple[float, ...]
    theirs_s: tuple[float, ...]

    @property
    def allowed_s(self) -> float:
        """The bar, by the median of the C loader."""
        return TIMES * statistics.median(self.theirs_s) + PLUS_S

    def __str__(self) -> str:
        ours, theirs = statistics.median(self.ours_s), statistics.median(self.theirs_s)
        return (
            f"{FILES} scenario files, medians of {len(self.ours_s)} alternating rounds\n"
            f"  read and validated {ours:.2f} s, parsed by the C loader {theirs:.2f} s, ratio {ours / theirs:.2f}\n"
            f"  allowed ({TIMES} times the C loader and {PLUS_S} s): {self.allowed_s:.2f} s"
        )


def measure(folder: Path, rounds: int) -> Reading:
    """Write the files into a workspace in that empty folder and read them that often, once more before to be warm."""
    (folder / "realms.yaml").write_text("realms: {}\n")
    folder = folder / "scenarios"
    folder.mkdir()
    files = _write(folder)
    texts = [file.read_text() for file in files]
    pairs = [(_cpu_s(lambda: _ours(folder)), _cpu_s(lambda: _theirs(texts))) for _ in range(rounds + 1)][1:]
    return Reading(tuple(ours for ours, _ in pairs), tuple(theirs for _, theirs in pairs))


def _write(folder: Path) -> list[Path]:
    files = []
    for number in range(FILES):
        kind, _, rest = MODELS[number % len(MODELS)].read_text().partition("\n")
        file = folder / f"s{number:03}.yaml"
        file.write_text(f"{kind} {number}\n{rest}")
        files.append(file)
    return files


def _ours(folder: Path) -> None:
    if len(read_scenarios(folder)) != FILES:
        raise AssertionError("not every file was read")


def _theirs(texts: list[str]) -> None:
    for text in texts:
        yaml.load(text, Loader=yaml.CSafeLoader)


def _cpu_s(act: Callable[[], None]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began
