"""Ten thousand bad documents for every reader there is: each is read and played, or refused with a place.

With `--proxy` ten thousand bad conversations with the proxy's API, each answered or closed by a server that goes on,
as many bad connections through its toxics, of which nothing is left, and as many good ones while toxics and the
reading of HTTP come and go, through which every byte arrives.

Part of `make bench`, and a command of its own. What was done is kept in `out/fuzz-<seed>.json` after every hundred
inputs; a run that was interrupted is gone on with. An input that
a reader does not survive is kept in `out/fuzz/`, with its
traceback beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType

OUT = Path(__file__).with_name("out")
TESTS = Path(__file__).parent.parent / "tests" / "fuzz"
SEED = 1
INPUTS = 10_000
SAVED_EVERY = 100
ENDS = ("refused", "read", "played", "answered", "defect")

sys.path.insert(0, str(TESTS))
import proxy_requests  # noqa: E402 - they stand with the tests
import proxy_toggles  # noqa: E402
import proxy_wire  # noqa: E402
import readers  # noqa: E402


@dataclass
class Progress:
    """How far one seed was taken: `next` is the first input not tried. `ends` counts by reader and by what came of
    it."""

    seed: int
    next: int = 0
    ends: dict[str, dict[str, int]] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)
    took_s: float = 0.0

    def count(self, name: str, end: str) -> None:
        """One more input of that reader."""
        of_reader = self.ends.setdefault(name, {})
        of_reader[end] = of_reader.get(end, 0) + 1


def main() -> int:
    """0: nothing was found. 1: a defect. 130: interrupted; what was done is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--proxy", action="store_true", help="not documents, but requests of the proxy's API")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="how many there are to be in all")
    asked = parser.parse_args()
    try:
        progress = (run_proxy if asked.proxy else run)(asked.seed, asked.inputs)
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here")
        return 130
    print(as_text(progress))
    return 1 if progress.defects else 0


def run(seed: int, inputs: int) -> Progress:
    """Try the inputs of the seed that were not tried yet; all of them once all were."""
    progress = _load(seed)
    if progress.next >= inputs:
        progress = Progress(seed)
    with tempfile.TemporaryDirectory(prefix="seatrial-fuzz-") as folder:
        workspace = Path(folder).resolve()
        readers.prepare(workspace)
        while progress.next < inputs:
            begun = time.monotonic()
            for index in range(progress.next, min(inputs, progress.next + SAVED_EVERY)):
                progress.count(*_try(progress, index, workspace))
                progress.next = index + 1
            progress.took_s += time.monotonic() - begun
            _save(progress)
            print(f"{progress.next} of {inputs}, {len(progress.defects)} defects", file=sys.stderr)
    return progress


def run_proxy(seed: int, inputs: int) -> Progress:
    """Try the conversations of the seed; of a run that is interrupted only the defects are kept."""
    progress = Progress(seed)
    begun = time.monotonic()
    while progress.next < inputs:
        first = progress.next
        asyncio.run(_fire(progress, min(inputs, first + SAVED_EVERY)))
        tried = range(first, progress.next)
        asyncio.run(_carry(progress, tried, "bytes through the proxy", proxy_wire))
        asyncio.run(_carry(progress, tried, "toxics that come and go", proxy_toggles))
        print(f"{progress.next} of {inputs}, {len(progress.defects)} defects", file=sys.stderr)
    progress.took_s = time.monotonic() - begun
    return progress


async def _fire(progress: Progress, until: int) -> None:
    """Go on to that input; a defect ends the server, and the next input meets a new one."""
    async with proxy_requests.under_fire() as server:
        while progress.next < until:
            index, progress.next = progress.next, progress.next + 1
            content = proxy_requests.requests_of(progress.seed, index)
            try:
                await server.attempt(content)
            except Exception as defect:  # noqa: BLE001 - that is what is looked for
                _keep(progress, "the proxy's API", index, content, defect)
                progress.count("the proxy's API", "defect")
                return
            progress.count("the proxy's API", "answered")


async def _carry(progress: Progress, indices: range, name: str, kind: ModuleType) -> None:
    """As many connections through a proxy with toxics."""
    for index in indices:
        carried = kind.input_of(progress.seed, index)
        try:
            await kind.carry(carried)
        except Exception as defect:  # noqa: BLE001 - that is what is looked for
            _keep(progress, name, index, repr(carried).encode(), defect)
            progress.count(name, "defect")
        else:
            progress.count(name, "answered")


def _try(progress: Progress, index: int, workspace: Path) -> tuple[str, str]:
    name, content = readers.input_of(progress.seed, index)
    try:
        return name, readers.attempt(name, content, workspace, random.Random(index))
    except (Exception, readers.TooSlowError) as defect:  # noqa: BLE001 - that is what is looked for
        _keep(progress, name, index, content, defect)
        return name, "defect"


def _keep(progress: Progress, name: str, index: int, content: bytes, defect: BaseException) -> None:
    kept = OUT / "fuzz" / f"{name.split()[0]}-seed-{progress.seed}-input-{index}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    kept.with_suffix(".txt").write_text(f"{name}\n{''.join(traceback.format_exception(defect))}")
    progress.defects.append(f"{name}, input {index}: {type(defect).__name__}: {str(defect)[:200]}")


def as_text(progress: Progress) -> str:
    """Counts a reader, then every defect."""
    totals: Counter[str] = Counter()
    lines = []
    for name, ends in sorted(progress.ends.items()):
        totals.update(ends)
        lines.append(f"{name:<22}" + "".join(f"  {ends.get(end, 0):>5} {end}" for end in ENDS))
    head = f"{progress.next} bad inputs (seed {progress.seed}) in {progress.took_s:.0f} s: " + ", ".join(
        f"{totals[end]} {end}" for end in ENDS
    )
    return "\n".join((head, *lines, *progress.defects))


def _state(seed: int) -> Path:
    return OUT / f"fuzz-{seed}.json"


def _load(seed: int) -> Progress:
    state = _state(seed)
    return Progress(**json.loads(state.read_text())) if state.exists() else Progress(seed)


def _save(progress: Progress) -> None:
    OUT.mkdir(exist_ok=True)
    waiting = _state(progress.seed).with_suffix(".part")
    waiting.write_text(json.dumps(asdict(progress), indent=1) + "\n")
    waiting.replace(_state(progress.seed))


if __name__ == "__main__":
    sys.exit(main())
