"""What a play lends its templates: files, the environment, made-up people."""

from __future__ import annotations

import random
import sys

import pytest

from seatrial import template
from seatrial.errors import DocumentError, Where

WHERE = Where("journey.yaml", 7, 3, 12)


def render(text, seed=1, **lent):
    return template.compile_text(text, WHERE).render(template.functions(random.Random(seed), lambda: 0.0, **lent))


def test_file_is_the_text_the_play_gives_for_the_path():
    assert render("{{ file('a.txt') }}", files="<{}>".format) == "<a.txt>"


def test_without_a_reader_no_file_can_be_had():
    with pytest.raises(DocumentError, match="no file can be read here, so not '/etc/passwd'"):
        render("{{ file('/etc/passwd') }}")


def test_environment_is_what_the_realm_lends_and_nothing_else(monkeypatch):
    monkeypatch.setenv("HOME_SECRET", "never shown")
    assert render("{{ env('REGION') }}", environment={"REGION": "eu"}) == "eu"
    with pytest.raises(DocumentError, match="lends no environment variable 'HOME_SECRET'") as caught:
        render("{{ env('HOME_SECRET') }}", environment={"REGION": "eu"})
    assert "never shown" not in str(caught.value)
    with pytest.raises(DocumentError, match="did you mean 'REGION'"):
        render("{{ env('REGIO') }}", environment={"REGION": "eu"})


def test_faker_repeats_with_the_seed_of_the_play():
    assert render("{{ faker.name() }}", seed=3) == render("{{ faker.name() }}", seed=3)
    assert render("{{ faker.name() }}{{ faker.email() }}", seed=3) != render(
        "{{ faker.name() }}{{ faker.email() }}", seed=4
    )


def test_faker_gives_what_json_can_hold():
    assert isinstance(render("{{ faker.date_of_birth() }}"), str)
    assert isinstance(render("{{ faker.pydecimal() }}"), str)
    assert isinstance(render("{{ faker.random_int(1, 99999) }}"), int)
    assert isinstance(render("{{ faker.simple_profile() }}")["birthdate"], str)


@pytest.mark.parametrize(
    "text",
    [
        "{{ faker.add_provider() }}",
        "{{ faker.seed_instance(1) }}",
        "{{ faker.random.seed(1) }}",
        "{{ faker.binary() }}",
        "{{ faker.pystr_format('x') }}",
        "{{ faker._maker }}",
        "{{ faker.__class__ }}",
        "{{ faker.texts(100000) }}",
        "{{ faker.password(length=100000000) }}",
        "{{ faker.nonsense() }}",
    ],
)
def test_only_providers_within_bounds_can_be_asked(text):
    with pytest.raises(DocumentError) as caught:
        render(text)
    assert caught.value.where == WHERE


def test_faker_that_is_not_installed_says_how_to_have_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(DocumentError, match=r"faker is not installed; install seatrial\[faker\]"):
        render("{{ faker.name() }}")


@pytest.mark.parametrize("name", ["env", "file", "faker", "uuid", "secrets"])
def test_names_of_functions_are_reserved(name):
    assert name in template.RESERVED
