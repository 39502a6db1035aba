"""A journey through etcd's JSON gateway, in which keys and values travel as base64."""

from __future__ import annotations

import pytest
from foreign_server import checked, running, workspace

from ports import free_port
from real_parts import find_server
from seatrial.errors import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.needs_etcd]

REALMS = """\
realms:
  here: {services: {etcd: 'http://127.0.0.1:PORT'}, allows: {mutations: true}}
  looked_at: {extends: here, allows: {mutations: false}}
default: here
"""


@pytest.fixture
def here(tmp_path):
    """A workspace whose realm is an etcd of its own."""
    port, peer = free_port(), free_port()
    ours, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    command = [
        find_server("etcd"),
        *("--name", "sea", "--data-dir", "data", "--initial-cluster", f"sea={peers}"),
        *("--listen-client-urls", ours, "--advertise-client-urls", ours),
        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
    ]
    with running(command, tmp_path, port=port):
        yield workspace(tmp_path / "w", "etcd.yaml", REALMS.replace("PORT", str(port)))


def test_etcd_keeps_swaps_and_forgets(here, seatrial):
    result = checked(seatrial, here)
    assert result.code == ExitCode.MET, result.out
    assert result.not_ok == {}
    assert [name for name in result.steps if name.startswith("put more")] == [
        "put more beside it [1]",
        "put more beside it [2]",
        "put more beside it [3]",
    ]
    assert len(result.steps) == 13


def test_nothing_is_written_where_the_realm_allows_no_mutations(here, seatrial):
    ended = seatrial(here, "check", "--realm", "looked_at")
    assert ended.code == ExitCode.COULD_NOT_RUN
    assert "mutations: true" in ended.sentence
