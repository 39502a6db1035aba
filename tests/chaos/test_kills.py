"""kill -9 of the harness at seeded moments of experiments with faults of every kind: nothing of them is left.

`bench/kills.py` does the same a hundred times, and holds it to the time that is promised.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from killing import Range, open_range

pytestmark = pytest.mark.e2e

PATIENCE_S = 60.0
PROCESSES = range(1, 6)
CONTAINERS = range(6, 9)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """Processes and proxies."""
    with open_range(tmp_path_factory.mktemp("range"), with_container=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """A container beside them."""
    with open_range(tmp_path_factory.mktemp("range"), with_container=True) as opened:
        yield opened


@pytest.mark.parametrize("seed", PROCESSES)
def test_kill_9_leaves_no_toxic_and_no_process_stopped_or_missing(processes: Range, seed: int):
    killed = processes.kill(seed, within_s=PATIENCE_S)
    assert (killed.left, killed.recovered) == ((), ())


@pytest.mark.needs_docker
@pytest.mark.parametrize("seed", CONTAINERS)
def test_kill_9_leaves_no_container_paused_or_ended_either(containers: Range, seed: int):
    killed = containers.kill(seed, within_s=PATIENCE_S)
    assert (killed.left, killed.recovered) == ((), ())
