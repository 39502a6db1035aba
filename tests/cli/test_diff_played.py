"""`seatrial diff`: what is played on its sides: what writes, rows, recorded traffic, and in which order."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from diff_parts import HAR, LOOK, card, fields

from seatrial.accept import pool
from seatrial.assess import diff as assess_diff

WRITE = "- {name: write, request: {method: POST, url: /buy}, mutates: true, capture: {id: {jsonpath: $.id}}}"


NEEDS = '- {name: needs, request: {url: "/card/{{ id }}"}}'


def test_what_writes_is_left_out_with_what_needs_it_and_said(shops, diff):
    both = shops(lambda _: card(), lambda _: card(), allows=("mutations: true", "mutations: true"))
    shops.journey("\n".join((LOOK, WRITE, NEEDS)))
    ended = diff()
    assert ended.code == 0
    assert {path for shop in both for _, path, _, _ in shop.asked} == {"/card"}
    assert "left out: j > write: it mutates\n" in ended.out
    assert "left out: j > needs: it needs 'id', which 'write' would have given\n" in ended.out


def test_where_both_realms_allow_it_what_writes_is_played_when_asked_for(shops, diff):
    both = shops(lambda _: card(), lambda _: card(), allows=("mutations: true", "mutations: true"))
    shops.journey("\n".join((LOOK, WRITE, NEEDS)))
    ended = diff("--mutating", "--rounds", "7")
    assert ended.code == 0
    assert [Counter(path for _, path, _, _ in shop.asked)["/card/7"] for shop in both] == [14, 7]


@pytest.mark.parametrize("allows", [("mutations: true", ""), ("", "mutations: true")])
def test_where_one_realm_allows_no_writing_none_is_sent_anywhere(shops, diff, allows):
    both = shops(lambda _: card(), lambda _: card(), allows=allows)
    shops.journey(WRITE)
    ended = diff("--mutating")
    assert ended.code == 4
    assert "does not allow mutations" in ended.err
    assert [shop.asked for shop in both] == [[], []]


def test_what_only_reads_asks_every_side_for_the_same(shops, diff):
    live, following = shops(lambda _: {}, lambda _: {})
    shops.journey('- {name: any, request: {url: "/{{ uuid() }}"}, expect: {status: 200}}')
    assert diff("--rounds", "7").code == 0
    assert Counter(path for _, path, _, _ in live.asked) == {path: 2 for _, path, _, _ in following.asked}
    assert len({path for _, path, _, _ in following.asked}) == 7


def _begun(monkeypatch):
    """In which order the sides are begun: a word a comparison, a letter a side."""
    words, letters = [], {}

    class Listening(pool.Workers):
        def submit(self, plan):
            words.append(id(self))
            return super().submit(plan)

        def __init__(self, *told):
            super().__init__(*told)
            letters[id(self)] = "pca"[len(letters)]

    monkeypatch.setattr(assess_diff, "Workers", Listening)
    return lambda: ["".join(letters[one] for one in words[at : at + 3]) for at in range(0, len(words), 3)]


def test_the_sides_are_begun_in_an_order_that_only_the_seed_knows(shops, diff, monkeypatch):
    shops(lambda _: {}, lambda _: {})
    begun = []
    for seed in ("5", "5", "6"):
        told = _begun(monkeypatch)
        diff("--rounds", "12", "--seed", seed)
        begun.append(told())
    assert begun[0] == begun[1] != begun[2]
    assert {"".join(sorted(word)) for word in begun[0]} == {"acp"}
    assert len(set(begun[0])) > 3


def test_what_writes_has_ids_of_its_own_on_every_side(shops, diff):
    both = shops(lambda _: {}, lambda _: {}, allows=("mutations: true", "mutations: true"))
    shops.journey('- {name: any, request: {method: POST, url: "/{{ uuid() }}"}, mutates: true}')
    diff("--mutating", "--rounds", "2")
    assert len({path for shop in both for _, path, _, _ in shop.asked}) == 6


def test_rows_of_a_journey_are_counted_together(shops, diff):
    shops(lambda _: card(), lambda path: card(state="OPEN") if path == "/card/2" else card())
    shops.journey('- {name: look, request: {url: "/card/{{ row.n }}"}}', head="rows: [{n: 1}, {n: 2}]\n")
    ended = diff("--json", "-")
    [one] = json.loads(ended.out)["fields"]
    assert (one["journey"], one["raw"], one["comparisons"], one["standing"]) == ("j", 10, 20, "difference")


SERVICE = ("--service", "api=https://shop.example.com")


def test_captured_traffic_is_replayed_to_both_realms(shops, diff, tmp_path):
    both = shops(lambda _: card(), lambda _: card(state="OPEN"))
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har", *SERVICE)
    assert ended.code == 1
    assert "    day.har > GET /card/*\n      $.state  value  in 20 of 20" in ended.out
    assert "sent: https://shop.example.com -> api (2 requests)\n" in ended.out
    assert "left out: POST requests (--mutating sends them): 1\n" in ended.out
    assert {(method, path) for shop in both for method, path, _, _ in shop.asked} == {
        ("GET", "/card/1?x=1"),
        ("GET", "/card/2"),
    }
    assert not any("Authorization" in headers for shop in both for _, _, headers, _ in shop.asked)


def test_captured_requests_carry_the_realms_own_credentials(shops, diff, tmp_path, monkeypatch):
    monkeypatch.setenv("OUR_AUTHORIZATION", "Bearer of-the-realm-itself")
    both = shops(
        lambda _: {"said": "Bearer of-the-realm-itself"},
        lambda _: {"said": "of-the-realm-itself!"},
        more="    secrets: {authorization: {env: OUR_AUTHORIZATION}}\n",
    )
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har", *SERVICE, "--json", "-")
    assert {headers["Authorization"] for shop in both for _, _, headers, _ in shop.asked} == {
        "Bearer of-the-realm-itself"
    }
    assert fields(ended) == ["$.said value"]
    assert "***(" in ended.out
    assert "of-the-realm-itself" not in ended.out


def test_captured_requests_that_write_need_both_realms(shops, diff, tmp_path):
    both = shops(lambda _: card(), lambda _: card(), allows=("mutations: true", "mutations: true"))
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    assert diff("--from", "day.har", *SERVICE, "--mutating").code == 0
    assert {content for shop in both for method, _, _, content in shop.asked if method == "POST"} == {b"{}"}


def test_a_recording_of_other_hosts_compares_nothing_and_says_so(shops, diff, tmp_path):
    both = shops(lambda _: card(), lambda _: card())
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har")
    assert ended.code == 5
    assert "(--service NAME=https://shop.example.com): 2" in ended.out
    assert [shop.asked for shop in both] == [[], []]
