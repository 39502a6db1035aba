"""Cookies of a play, by RFC 6265 and our one departure from it."""

from __future__ import annotations

import time

import pytest

from seatrial.scenarios.sending.cookies import MAX_COOKIES, Jar

NOW = 1_700_000_000.0
HOME = "http://shop.example.com:8080/a/b"


def jar(*lines, url=HOME):
    held = Jar()
    held.keep(url, tuple(("Set-Cookie", line) for line in lines), now=NOW)
    return held


def test_cookie_goes_back_to_where_it_came_from():
    assert jar("sid=1; Path=/; HttpOnly").header(HOME, now=NOW) == "sid=1"


def test_cookie_without_domain_goes_to_no_other_host_or_port():
    held = jar("sid=1; Path=/")
    assert held.header("http://shop.example.com:8081/", now=NOW) == ""
    assert held.header("http://www.shop.example.com:8080/", now=NOW) == ""


def test_cookie_with_domain_goes_to_its_subdomains():
    held = jar("sid=1; Path=/; Domain=.example.com")
    assert held.header("http://api.example.com/", now=NOW) == "sid=1"
    assert held.header("http://badexample.com/", now=NOW) == ""


@pytest.mark.parametrize("domain", ["other.com", "com.evil", "b.shop.example.com", "com"])
def test_cookie_for_a_foreign_domain_is_not_kept(domain):
    assert jar(f"sid=1; Domain={domain}").header(HOME, now=NOW) == ""


def test_part_of_an_address_is_no_domain():
    held = jar("sid=1; Domain=0.0.1; Path=/", url="http://127.0.0.1:80/")
    assert held.header("http://127.0.0.1:80/", now=NOW) == ""


@pytest.mark.parametrize(
    ("path", "goes"), [("/a", True), ("/a/", True), ("/a/b", True), ("/ab", False), ("/", False)]
)
def test_default_path_is_the_folder_of_the_request(path, goes):
    assert bool(jar("sid=1").header(f"http://shop.example.com:8080{path}", now=NOW)) is goes


def test_longer_paths_come_first():
    held = jar("a=1; Path=/", "b=2; Path=/a/b")
    assert held.header(HOME, now=NOW) == "b=2; a=1"


def test_secure_cookie_needs_tls_but_on_loopback():
    assert jar("sid=1; Path=/; Secure").header(HOME, now=NOW) == ""
    assert (
        jar("sid=1; Secure", url="https://shop.example.com/").header("https://shop.example.com/", now=NOW) == "sid=1"
    )
    assert jar("sid=1; Secure", url="http://127.0.0.1:81/").header("http://127.0.0.1:81/", now=NOW) == "sid=1"


def test_later_cookie_replaces_the_earlier_of_its_name():
    assert jar("sid=1; Path=/", "sid=2; Path=/").header(HOME, now=NOW) == "sid=2"


@pytest.mark.parametrize("end", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_ended_cookie_is_taken_back(end):
    assert jar("sid=1; Path=/", f"sid=; Path=/; {end}").header(HOME, now=NOW) == ""


def test_max_age_wins_over_expires_and_unreadable_dates_end_nothing():
    assert jar("sid=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT").header(HOME, now=NOW) == "sid=1"
    assert jar("sid=1; Path=/; Expires=someday").header(HOME, now=NOW) == "sid=1"


def test_a_cookie_ends_when_its_time_has_come():
    held = jar("a=1; Path=/; Max-Age=60", "b=2; Path=/; Expires=Tue, 14 Nov 2023 22:14:20 GMT")
    assert held.header(HOME, now=NOW + 59) == "a=1; b=2"
    assert held.header(HOME, now=NOW + 60) == ""


def test_a_cookie_set_anew_keeps_its_place():
    assert jar("a=1; Path=/", "b=1; Path=/", "a=2; Path=/").header(HOME, now=NOW) == "a=2; b=1"


def test_line_that_is_no_cookie_is_passed_over():
    assert jar("nonsense", "=1", "").header(HOME, now=NOW) == ""


def test_jar_is_bounded_and_the_oldest_goes_first():
    held = jar(*(f"c{number}=1; Path=/" for number in range(MAX_COOKIES + 50)))
    names = [name for name, _ in held.pairs(HOME, now=NOW)]
    assert names == [f"c{number}" for number in range(50, MAX_COOKIES + 50)]


def test_jar_full_of_expired_cookies_takes_a_new_one_before_a_living_one_goes():
    held = jar("old=1; Path=/", *(f"c{number}=1; Path=/; Max-Age=5" for number in range(MAX_COOKIES - 1)))
    held.keep(HOME, (("Set-Cookie", "new=1; Path=/"),), now=NOW + 6)
    assert held.header(HOME, now=NOW + 6) == "old=1; new=1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://Shop.test:80/", "http://shop.test/"),
        ("https://shop.test/", "https://SHOP.test:443/"),
        ("http://ada:pw@shop.test/", "http://shop.test/"),
        ("http://shop.test/", "ws://shop.test:80/"),
    ],
)
def test_a_host_is_the_same_however_it_is_written(one, other):
    for there, back in ((one, other), (other, one)):
        assert jar("sid=1; Path=/", url=there).header(back, now=NOW) == "sid=1"
        held = jar("sid=1; Path=/", url=there)
        held.keep(back, (("Set-Cookie", "sid=2; Path=/"),), now=NOW)
        assert held.header(there, now=NOW) == "sid=2"


def test_an_address_with_a_port_that_is_none_has_no_cookies():
    assert jar("sid=1; Path=/").header("http://shop.example.com:99999/", now=NOW) == ""


@pytest.mark.parametrize("age", ["soon", "", "1.5", "+60", "60s", "1_0"])
def test_max_age_that_cannot_be_read_leaves_the_end_to_expires(age):
    held = jar(f"a=1; Path=/; Max-Age={age}; Expires=Tue, 14 Nov 2023 22:14:20 GMT")
    assert (held.header(HOME, now=NOW + 59), held.header(HOME, now=NOW + 60)) == ("a=1", "")


def test_max_age_without_measure_is_an_end_far_off():
    assert jar(f"a=1; Path=/; Max-Age={'9' * 400}").header(HOME, now=NOW + 1e9) == "a=1"
    assert jar("a=1; Path=/", f"a=1; Path=/; Max-Age=-{'9' * 5000}").header(HOME, now=NOW) == ""


@pytest.mark.parametrize("zone", ["", " GMT", " -0000", " UTC"])
def test_date_without_a_zone_is_utc(zone, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        held = jar(f"a=1; Path=/; Expires=Tue, 14 Nov 2023 22:14:20{zone}")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert (held.header(HOME, now=NOW + 59), held.header(HOME, now=NOW + 60)) == ("a=1", "")
