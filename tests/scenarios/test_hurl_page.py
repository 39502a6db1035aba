"""The page on .hurl files names every option there is, and its example is read."""

from __future__ import annotations

import re

import pytest

from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.expectations import FIELDS
from seatrial.scenarios.hurl.option_names import HURL_OPTIONS
from seatrial.scenarios.hurl.settings import _FOLLOWED, _REFUSED


@pytest.fixture
def page(root):
    return (root / "docs" / "HURL.md").read_text()


def names_in(paragraph):
    return set(re.findall(r"[a-z][a-z0-9.-]*[a-z0-9]", paragraph))


def test_every_option_is_named_where_it_belongs(page):
    section = page.split("## Options\n")[1].split("\n## ")[0]
    line, entry, refused = section.strip().split("\n\n")
    assert {spec.name for spec in HURL_OPTIONS} == set(re.findall(r"`--([a-z0-9.-]+)`", line))
    assert set(_FOLLOWED) <= names_in(entry)
    assert set(_REFUSED) <= names_in(refused)
    assert not set(_REFUSED) & names_in(entry)


def test_page_claims_no_comparison_and_no_reason_that_is_not_there(page):
    assert "compared with Hurl" not in page
    assert "httpx" not in page


def test_fields_of_a_certificate_that_are_not_done_are_not_read(page):
    [said] = re.findall(r"\| `certificate` has (.*?) \|", page)
    assert said == "Subject-Alt-Name and Value"
    assert not set(said.split(" and ")) & set(FIELDS)


def test_example_is_read(page, tmp_path):
    [example] = re.findall(r"```hurl\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "pay.hurl"
    path.write_text(example)
    charge, feed = read_hurl(path).steps
    assert (charge.name, len(charge.expectations.checks), feed.retry.attempts) == ("POST /cards/*/charges", 3, 21)
    assert charge.uses >= {"amount", "card", "password"}
