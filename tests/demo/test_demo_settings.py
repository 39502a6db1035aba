"""What a service reads from its environment, and what it refuses."""

import pytest

from seatrial.demo import DEPENDS_ON
from seatrial.demo.__main__ import main
from seatrial.demo.defects import NO_BREAKER
from seatrial.demo.settings import read_settings

URLS = {
    f"{name.upper()}_URL": f"http://127.0.0.1:80{number}"
    for number, name in enumerate(["cards", "ledger", "merchants", "feed"])
}


def test_a_service_needs_the_addresses_of_those_it_calls_and_no_others():
    settings = read_settings("ledger", {"PORT": "8080"})
    assert (settings.host, settings.port, settings.urls) == ("127.0.0.1", 8080, {})
    assert set(read_settings("gateway", {"PORT": "1", **URLS}).urls) == set(DEPENDS_ON["gateway"])


def test_replicas_are_addresses_separated_by_commas():
    settings = read_settings("cards", {"PORT": "1", **URLS, "LEDGER_URL": "http://a/, http://b"})
    assert settings.urls["ledger"] == "http://a,http://b"


def test_defects_of_other_services_are_passed_over():
    environ = {"PORT": "1", "DEFECTS": "5:cards,slow:ledger=20%", **URLS}
    assert read_settings("cards", environ).defects.has(NO_BREAKER)
    assert not read_settings("gateway", environ).defects.present


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "cards: PORT is ''; a port from 1 to 65535 is wanted"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"PORT": "1", "FEED_URL": "http://f"}, "LEDGER_URL is ''; the address of ledger is wanted"),
        (
            {"PORT": "1", **URLS, "LEDGER_URL": "http://a,b"},
            "LEDGER_URL is 'http://a,b'; the address of ledger is wanted",
        ),
        ({"PORT": "1", **URLS, "FEED_URL": "http://a,http://b"}, "only ledger can have replicas"),
        ({"PORT": "1", "DEFECTS": "nonsense", **URLS}, "unknown defect 'nonsense'"),
    ],
)
def test_a_wrong_environment_is_refused_naming_the_variable(environ, says):
    with pytest.raises(ValueError, match=r"wanted|unknown|replicas") as refused:
        read_settings("cards", environ)
    assert says in str(refused.value)


def test_an_unknown_service_is_a_usage_error(capsys):
    assert main(["bank"]) == 2
    assert "gateway,cards,ledger" in capsys.readouterr().err


def test_a_wrong_environment_is_a_usage_error_without_a_traceback(capsys, monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    assert main(["ledger"]) == 2
    assert capsys.readouterr().err.startswith("ledger: PORT is ''")
