"""Whatever is imported ends in documents that read, or in one error that has a place: never in a traceback."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.cli.import_ import Output, finish_import, run_import_hurl
from seatrial.errors import DocumentError, ExitCode, UsageError
from seatrial.scenarios.importers import curl, har, openapi, postman, replay

SAMPLES = Path(__file__).parent / "imports"
ROUNDS = 80
ODD = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "{{",
    "{{a}}",
    "}}{%",
    "\ud800",
    "\0",
    "://",
    [],
    {},
    [[]],
    {"a": {}},
    "é" * 300,
]


def collection(text: str) -> ExitCode:
    environment = postman.Source((SAMPLES / "staging.postman_environment.json").read_text(), "e.json")
    return finish_import(postman.convert(postman.Source(text, "x.json"), [environment]), Output())


def environment(text: str) -> ExitCode:
    collected = postman.Source((SAMPLES / "cards.postman_collection.json").read_text(), "c.json")
    return finish_import(postman.convert(collected, [postman.Source(text, "x.json")]), Output())


def hurl(text: str) -> ExitCode:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.hurl"
        path.write_text(text, encoding="utf-8", errors="replace", newline="")
        return run_import_hurl([str(path)], Output(), given={"secret": ["password=hush-hush"]})


def replayed(text: str) -> int:
    """A recording sent again: how many requests are left; every one can be rendered."""
    captured = replay.read_capture(text, "x.har", writing=True)
    made = replay.replay(captured, [{"api": "https://shop.example.com"}], secrets=frozenset({"cookie"}))
    for journey in made.journeys:
        request = journey.steps[0].request
        scope = {"secrets": {"cookie": "a=b"}}
        assert isinstance(request.url.render(scope), str)
        assert all(isinstance(value.render(scope), str) for _, value in (*request.headers, *request.params))
    return len(made.journeys)


IMPORTS: dict[str, Callable[[str], ExitCode]] = {
    "cards.postman_collection.json": collection,
    "staging.postman_environment.json": environment,
    "shop.har": lambda text: finish_import(har.convert(text, "x.har", name="x"), Output()),
    "petstore.yaml": lambda text: finish_import(openapi.convert(text, "x.yaml"), Output()),
    "cards.hurl": hurl,
    "lines.sh": lambda text: finish_import(curl.convert(text, "x.sh"), Output()),
}


def holds(convert: Callable[[str], ExitCode], text: str) -> None:
    with contextlib.suppress(DocumentError, UsageError):  # unreadable, with its place; or too large for one document
        assert convert(text) is ExitCode.MET


def mutated(content: bytes, chance: random.Random) -> str:
    """The content with some bytes changed, doubled, moved or lost."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(made))
        length = chance.choice((1, 1, 5, 60))
        how = chance.randrange(4)
        if how == 0:
            made[at] = chance.randrange(256)
        elif how == 1:
            del made[at : at + length]
        elif how == 2:
            made[at:at] = made[at : at + length]
        else:
            made[at:at] = bytes(chance.choice(b"{}[]\"':,\\\n#$`;|&%") for _ in range(length))
    return made.decode(errors="replace")


def misshapen(value: object, chance: random.Random) -> object:
    """The JSON value with one part somewhere replaced by something odd, or with a key of another."""
    made = copy.deepcopy(value)
    holder = made
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = chance.choice(keys)
        inner = holder[key]
        if not isinstance(inner, (dict, list)) or not inner or chance.random() < 0.15:
            holder[key] = chance.choice(ODD)
            return made
        holder = inner


@pytest.mark.parametrize("sample", IMPORTS)
def test_changed_bytes_end_in_documents_or_in_an_error_with_a_place(sample, capsys):
    content, chance = (SAMPLES / sample).read_bytes(), random.Random(7)
    for _ in range(ROUNDS):
        holds(IMPORTS[sample], mutated(content, chance))
        capsys.readouterr()


def test_changed_recordings_end_in_requests_or_in_an_error_with_a_place():
    content, chance = (SAMPLES / "shop.har").read_bytes(), random.Random(17)
    assert replayed(content.decode()) > 5
    for _ in range(ROUNDS):
        for changed in (mutated(content, chance), json.dumps(misshapen(json.loads(content), chance))):
            with contextlib.suppress(DocumentError):
                replayed(changed)


@pytest.mark.parametrize("sample", [name for name in IMPORTS if name.endswith((".json", ".har"))])
def test_changed_types_end_in_documents_or_in_an_error_with_a_place(sample, capsys):
    content, chance = json.loads((SAMPLES / sample).read_text()), random.Random(11)
    for _ in range(ROUNDS):
        changed = content
        for _ in range(chance.choice((1, 2, 4))):
            changed = misshapen(changed, chance)
        holds(IMPORTS[sample], json.dumps(changed))
        capsys.readouterr()


def test_changed_types_of_an_openapi_document_end_likewise(capsys):
    from seatrial import documents

    content = documents.loads((SAMPLES / "petstore.yaml").read_text(), "p.yaml").content
    chance = random.Random(13)
    for _ in range(ROUNDS):
        holds(IMPORTS["petstore.yaml"], json.dumps(misshapen(misshapen(content, chance), chance)))
        capsys.readouterr()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"info": {"name": "x"}, "item": ' + '[{"item":' * 5000,
        '{"log": {"entries": [' + "1e999," * 10 + "1]}}",
        "9" * 5000,
        "curl " + "(" * 10_000,
        "curl 'http://a/" + "'" * 10_001,
    ],
)
@pytest.mark.parametrize("sample", IMPORTS)
def test_absurd_files_end_in_documents_or_in_an_error_with_a_place(sample, text, capsys):
    holds(IMPORTS[sample], text)
    capsys.readouterr()


def test_a_header_or_cookie_that_no_name_could_have_is_not_taken_up(capsys):
    recorded = (SAMPLES / "shop.har").read_text().replace('"name": "X-', '"name": "{{X-')
    assert "{{X-" in recorded
    holds(IMPORTS["shop.har"], recorded)
