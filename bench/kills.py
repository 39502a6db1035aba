"""A hundred harnesses killed (kill -9) at random moments of experiments with proxy, process and docker faults.

Part of `make bench`, and a command of its own. Each kill has its seed; after its lease and 5 s nothing of any fault
may be left, and `recover` may find nothing to do. What was done is kept in `out/kills.json` after every kill; a run
that was interrupted is gone on with. Without a Docker engine there is no container in it, and the result says so.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

OUT = Path(__file__).with_name("out")
STATE = OUT / "kills.json"
TESTS = Path(__file__).parent.parent / "tests"
KILLS = 100

sys.path[:0] = [str(TESTS / "chaos"), str(TESTS)]
from killing import WITHIN_S, Killed, open_range  # noqa: E402 - it stands with the tests

from real_parts import docker_answers  # noqa: E402 - so does it


@dataclass
class Progress:
    """How far it was taken: `next` is the first seed not tried; `kills` are the outcomes, in their order."""

    with_container: bool
    next: int = 1
    kills: list[Killed] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """A sentence for each kill that left something."""
        return [sentence for kill in self.kills for sentence in _problems(kill)]


def main() -> int:
    """0: nothing was left. 1: something was. 130: interrupted; what was done is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=KILLS, help="how many there are to be in all")
    asked = parser.parse_args()
    try:
        progress = run(asked.kills)
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here")
        return 130
    print(as_text(progress))
    return 1 if progress.problems else 0


def run(kills: int) -> Progress:
    """Kill by every seed that was not tried yet; by all once all were."""
    progress = _load(docker_answers())
    if progress.next > kills:
        progress = Progress(progress.with_container)
    with (
        tempfile.TemporaryDirectory(prefix="seatrial-kills-") as folder,
        open_range(Path(folder), with_container=progress.with_container) as opened,
    ):
        while progress.next <= kills:
            progress.kills.append(opened.kill(progress.next))
            progress.next += 1
            _save(progress)
            print(f"{progress.next - 1} of {kills}, {len(progress.problems)} problems", file=sys.stderr)
    return progress


def as_text(progress: Progress) -> str:
    """What was on, how soon nothing was, and every problem."""
    clean = sorted(kill.clean_after_s for kill in progress.kills if kill.clean_after_s is not None)
    on = Counter(" ".join(fault.split()[:2]) for kill in progress.kills for fault in kill.on)
    idle = sum(not kill.on for kill in progress.kills)
    parts = "processes, proxies and a container" if progress.with_container else "no Docker engine: no container"
    lines = [
        f"{len(progress.kills)} harnesses killed, {idle} of them with nothing on; {parts}",
        "on at those moments: " + ", ".join(f"{count} {kind}" for kind, count in on.most_common()),
        f"nothing was left after {_spread(clean)} (the bar is {WITHIN_S:g} s)",
    ]
    return "\n".join((*lines, *progress.problems))


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "no kill"
    return f"{statistics.median(seconds):.1f} s (median), {seconds[-1]:.1f} s at the most"


def _problems(kill: Killed) -> list[str]:
    late = kill.clean_after_s is None or kill.clean_after_s > WITHIN_S
    after = f"seed {kill.seed}, killed after {kill.moment_s:.2f} s with {', '.join(kill.on) or 'nothing'} on"
    left = [f"{after}: left after {WITHIN_S:g} s: {', '.join(kill.left)}"] if late or kill.left else []
    return left + [f"{after}: recover had to undo {text}" for text in kill.recovered]


def _load(with_container: bool) -> Progress:
    """What was kept, unless it was done with other parts."""
    kept = json.loads(STATE.read_text()) if STATE.exists() else {}
    if kept.get("with_container") is not with_container:
        return Progress(with_container)
    return Progress(with_container, kept["next"], [_killed(item) for item in kept["kills"]])


def _killed(item: dict[str, object]) -> Killed:
    return Killed(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})  # type: ignore[arg-type]


def _save(progress: Progress) -> None:
    OUT.mkdir(exist_ok=True)
    waiting = STATE.with_suffix(".part")
    waiting.write_text(json.dumps(asdict(progress), indent=1) + "\n")
    waiting.replace(STATE)


if __name__ == "__main__":
    sys.exit(main())
