"""A journey through PyPI's httpbin: bodies, credentials, cookies, redirects, encodings, statuses, time."""

from __future__ import annotations

import shutil

import pytest
from foreign_server import JOURNEYS, checked, running, workspace

from ports import free_port
from real_parts import find_httpbin
from seatrial.errors import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.needs_httpbin]

TOKEN = "tok-not-to-be-seen"
REALMS = """\
realms:
  here: {services: {httpbin: 'http://127.0.0.1:PORT'}, secrets: {token: {file: token}}}
"""


@pytest.fixture(scope="module")
def httpbin(tmp_path_factory):
    """The port it serves."""
    port = free_port()
    command = [find_httpbin(), "-m", "httpbin.core", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, tmp_path_factory.mktemp("httpbin"), port=port):
        yield port


@pytest.fixture
def played(tmp_path, httpbin, seatrial):
    """Plays a journey."""

    def play(journey):
        here = workspace(tmp_path / "w", journey, REALMS.replace("PORT", str(httpbin)))
        (here / "token").write_text(TOKEN)
        (here / "scenarios" / "data").mkdir()
        (here / "scenarios" / "data" / "manual.txt").write_text("Coil it clockwise.\n")
        return checked(seatrial, here)

    return play


def test_httpbin_answers_as_it_is_asked(played):
    result = played("httpbin.yaml")
    assert result.code == ExitCode.MET, result.out
    assert result.not_ok == {}
    assert len(result.steps) == 38


def test_what_comes_late_or_wrong_is_told_by_its_cause_and_without_secrets(played):
    result = played("httpbin_refused.yaml")
    assert result.code == ExitCode.MISSED
    assert result.steps == {
        "too late": "timeout",
        "too many redirects": "redirects",
        "a secret in a failure": "check",
        "an error of the server": "status",
    }
    assert "***(token)" in result.out
    assert TOKEN not in result.out


@pytest.fixture
def hurl(tmp_path, httpbin, seatrial):
    """Plays the .hurl file of the tests where there is no workspace, as Hurl would."""
    shutil.copy(JOURNEYS / "httpbin.hurl", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manual.txt").write_text("Coil it clockwise.\n")
    words = ("httpbin.hurl", "--variable", f"host=http://127.0.0.1:{httpbin}", "--secret", f"key={TOKEN}")
    return lambda *more: checked(seatrial, tmp_path, *words, *more)


def test_hurl_file_is_played_as_it_is(hurl):
    result = hurl("--variable", "amount=250")
    assert result.code == ExitCode.MET, result.out
    assert len(result.steps) == 17
    assert set(result.steps.values()) == {"ok"}


def test_hurl_file_tells_what_was_not_so_and_goes_on_where_asked(hurl):
    result = hurl("--variable", "amount=251", "--continue-on-error")
    assert result.code == ExitCode.MISSED
    assert list(result.steps.values()).count("check") == 1
    assert list(result.steps.values()).count("ok") == 16
    assert "integer <251>" in result.out
    assert TOKEN not in result.out
