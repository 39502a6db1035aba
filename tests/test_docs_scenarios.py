"""Every example of the pages on scenarios is played, against an API on loopback, and comes to what its page says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import misbehaving
from echo import PASSWORD, Echo
from seatrial import documents, exchange, http, predicates
from seatrial.accept.pool import Playing, plans_of, play_all
from seatrial.accept.prepare import Wanted, context_of, permit, prepare
from seatrial.documents import reader
from seatrial.errors import DocumentError
from seatrial.sample import Cause, Phase
from seatrial.scenarios import files, model, rows
from seatrial.scenarios.answers import query
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind
from seatrial.scenarios.read import read_scenario
from seatrial.scenarios.sending import cookies
from seatrial.scenarios.wording import failure_texts
from seatrial.scenarios.written import shapes
from seatrial.template.functions import MAX_LOOP, MAX_OUTPUT, RESERVED

DOCS = Path(__file__).parent.parent / "docs"
PASSES, FAILS, REFUSED = "steps that pass", "steps that fail", "steps that are refused"
HOLDS = "a check that holds"
ROPE = "hemp"
ENVIRONMENT = {
    "SHOP_PASSWORD": PASSWORD,
    "SHOP_CLIENT_SECRET": PASSWORD.replace(" ", "-"),
    "SHOP_REGION": "north",
}


@dataclass(frozen=True)
class Cell:
    """One example of a table: in which column it stands, and its text."""

    place: str
    column: str
    text: str

    def __str__(self) -> str:
        return f"{self.place} {self.text[:60]}"


def _rows(page: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of every table by the names of their columns, with their line."""
    names: list[str] = []
    for number, line in enumerate((DOCS / page).read_text().splitlines(), start=1):
        if not line.startswith("|"):
            names = []
        elif not re.fullmatch(r"[|:-]+", line):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if names:
                assert len(cells) == len(names), f"{page}:{number}: {len(cells)} cells under {len(names)} heads"
                yield number, dict(zip(names, cells, strict=True))
            else:
                names = cells


def _spans(cell: str) -> list[str]:
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`]+)`", cell)]


def cells(page: str, *columns: str) -> list[Cell]:
    """Every example in those columns that is one: a mapping, or a list of them."""
    return [
        Cell(f"{page}:{number}", column, span)
        for number, row in _rows(page)
        for column in columns
        for span in _spans(row.get(column, ""))
        if span.startswith(("{", "["))
    ]


def that_say(column: str) -> list[tuple[Cell, str]]:
    """Every example of the column, with what is said of it."""
    spans = [
        (f"SCENARIOS.md:{number}", span)
        for number, row in _rows("SCENARIOS.md")
        for span in _spans(row.get(column, ""))
    ]
    pairs = zip(spans[::2], spans[1::2], strict=True)
    return [(Cell(place, column, example), said) for (place, example), (_, said) in pairs]


def expressions() -> list[tuple[str, str]]:
    """Every template function of the page, with what holds for its value."""
    found = [row for _, row in _rows("SCENARIOS.md") if "expression" in row]
    return [(span, _spans(row["holds"])[0]) for row in found for span in _spans(row["expression"])]


def fences(page: str, language: str) -> list[str]:
    """The fenced blocks of that language."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)


def scenarios() -> list[str]:
    """The whole journeys of the page."""
    return [text for text in fences("SCENARIOS.md", "yaml") if documents.loads(text, "page").kind == "scenario"]


@dataclass
class Stage:
    """A workspace in the page's own realm, whose services are there."""

    folder: Path
    playing: Playing

    def play(self, text: str) -> tuple[list[bool], str]:
        """Whether each play of a scenario passed, and everything that failed in words."""
        path = self.folder / "scenarios" / "example.yaml"
        path.write_text(text)
        try:
            plans = plans_of([read_scenario(path.relative_to(self.folder))])
        finally:
            path.unlink()
        played = [one.result for one in play_all(plans, self.playing, jobs=1)]
        secrets = self.playing.context.secrets
        return [result.passed for result in played], "\n".join(
            text for result in played for text in failure_texts(result, secrets=secrets)
        )

    def play_steps(self, steps: str) -> tuple[list[bool], str]:
        """The same of one step, or of a list of them."""
        listed = steps if steps.startswith("[") else f"[{steps}]"
        return self.play(f"scenario: example\nservice: api\nsteps: {listed}\n")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return misbehaving.Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def servers(authority):
    """The addresses the page gives, and where they really are."""
    context = authority.context(name="shop", client_ca=authority.ca)
    context.verify_mode = context.verify_mode.CERT_OPTIONAL
    api, safe = Echo(), Echo(tls=context)
    http2 = misbehaving.Http2(misbehaving.answers_over_http2)
    two = misbehaving.Server(http2, tls=authority.context(name="two", alpn=["h2"]))
    yield {
        "http://127.0.0.1:8404": api.url,
        "https://127.0.0.1:8443": safe.url,
        "https://127.0.0.1:8444": two.url.rstrip("/"),
    }
    for server in (api, safe, two):
        server.close()


def _pin(folder: Path) -> str:
    """Of the public key of the server that wrote its certificate there."""
    certificate = x509.load_pem_x509_certificate((folder / "shop.crt").read_bytes())
    key = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


def _write(folder: Path, name: str, content: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, servers, authority):
    """The page's realm, its flow and its data, with certificates beside them."""
    folder = tmp_path_factory.mktemp("page")
    [realms] = (text for text in fences("SCENARIOS.md", "yaml") if text.startswith("realms:"))
    for said, real in servers.items():
        assert said in realms
        realms = realms.replace(said, real)
    [flow] = (text for text in fences("SCENARIOS.md", "yaml") if text.startswith("flow:"))
    [table] = fences("SCENARIOS.md", "csv")
    _write(folder, "realms.yaml", realms)
    _write(folder, "scenarios/flows/login.yaml", flow)
    _write(folder, "scenarios/open.yaml", scenarios()[0])
    _write(folder, "scenarios/data/customers.csv", table)
    _write(folder, "scenarios/data/rope.txt", ROPE)
    _write(folder, "scenarios/data/state.txt", "ACTIVE")
    certificate, key = authority.issue("ada")
    for name, path in (("ca.pem", authority.ca), ("ada.crt", certificate), ("ada.key", key)):
        _write(folder, f"scenarios/certs/{name}", Path(path).read_text())
    return folder


@pytest.fixture
def stage(workspace, servers, authority, monkeypatch):
    monkeypatch.chdir(workspace)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    overrides = {"key_pin": _pin(Path(authority.ca).parent), "proxy": servers["http://127.0.0.1:8404"]}
    prepared = prepare(workspace, Wanted(overrides=overrides))
    permit(prepared)
    return Stage(workspace, Playing(context_of(prepared, None), "docs", Phase.ACCEPTANCE))


@pytest.mark.parametrize("cell", cells("SCENARIOS.md", PASSES), ids=str)
def test_example_passes(cell, stage):
    passed, text = stage.play_steps(cell.text)
    assert passed == [True], text


@pytest.mark.parametrize("cell", cells("ANSWERS.md", HOLDS), ids=str)
def test_check_of_the_answer_that_is_shown_holds(cell, stage):
    passed, text = stage.play_steps(f"{{request: {{url: /card}}, expect: {{checks: [{cell.text}]}}}}")
    assert passed == [True], text


@pytest.mark.parametrize("cell", cells("ANSWERS.md", PASSES), ids=str)
def test_step_that_looks_into_another_answer_passes(cell, stage):
    passed, text = stage.play_steps(cell.text)
    assert passed == [True], text


def test_answer_that_is_shown_is_the_one_looked_into(servers):
    [shown] = fences("ANSWERS.md", "http")
    head, _, body = shown.partition("\n\n")
    answer = http.get(f"{servers['http://127.0.0.1:8404']}/card", timeout_s=10.0)
    assert json.loads(answer.body) == json.loads(body)
    said = {tuple(line.split(": ", 1)) for line in head.splitlines()[1:]}
    assert said == {header for header in answer.headers if header[0] not in ("Server", "Date", "Content-Length")}


WORDS = {
    *QueryKind,
    *FilterKind,
    *predicates.PREDICATES,
    *predicates.TYPES,
    *query._ATTRIBUTES.values(),
    *query._PHASES,
}


@pytest.mark.parametrize("word", sorted(map(str, WORDS)))
def test_example_shows_every_word_that_looks_into_answers(word):
    shown = " ".join(cell.text for cell in cells("ANSWERS.md", HOLDS, PASSES))
    assert re.search(rf"\b{word}\b", shown)


@pytest.mark.parametrize(("cell", "said"), that_say(FAILS), ids=str)
def test_example_fails_and_says_why(cell, said, stage):
    passed, text = stage.play_steps(cell.text)
    assert passed == [False]
    assert said in text


@pytest.mark.parametrize(("cell", "said"), that_say(REFUSED), ids=str)
def test_mistake_is_found_when_the_file_is_read(cell, said, stage):
    with pytest.raises(DocumentError) as refused:
        stage.play_steps(cell.text)
    assert said in str(refused.value)
    assert str(refused.value).startswith("scenarios/example.yaml:3:")


@pytest.mark.parametrize(("expression", "holds"), expressions())
def test_expression_gives_what_holds(expression, holds, stage):
    request = f'{{method: POST, url: /anything, json: {{x: "{expression}"}}}}'
    checks = f"[{{jsonpath: $.json.x, {holds[1:-1]}}}]"
    passed, text = stage.play_steps(f"{{request: {request}, expect: {{checks: {checks}}}}}")
    assert passed == [True], text


@pytest.mark.parametrize("text", scenarios(), ids=lambda text: text.splitlines()[0].removeprefix("scenario: "))
def test_journey_comes_to_what_its_page_says(text, stage):
    passed, told = stage.play(text)
    assert all(passed) is ("# fails" not in text), told


def test_text_of_a_failure_is_as_shown(stage, servers):
    [shown] = fences("SCENARIOS.md", "text")
    [journey] = (text for text in scenarios() if "# fails: as below" in text)
    _, told = stage.play(journey)
    told = told.replace(servers["http://127.0.0.1:8404"], "http://127.0.0.1:8404")
    assert _timeless(told.replace("example.yaml", "open.yaml")) == _timeless(shown.rstrip("\n"))


def _timeless(text: str) -> str:
    """Without what differs from one play to the next."""
    return re.sub(r"[0-9.]+ m?s\b|trace [0-9a-f]{32}|\ba-\d+", "...", text)


FIGURES = {
    "10 s": model.DEFAULT_TIMEOUT_S == 10.0,
    "10 MiB": exchange.MAX_BODY_BYTES == files.MAX_FILE_BYTES == 10 << 20,
    "1000": model.MAX_ROUNDS == exchange.MAX_MESSAGES == MAX_LOOP == 1000,
    "1 MiB": MAX_OUTPUT == 1 << 20,
    "200": cookies.MAX_COOKIES == 200,
    "1,000,000": rows.MAX_ROWS == 1_000_000,
    "64": reader.MAX_DEPTH == 64,
}


@pytest.mark.parametrize("figure", FIGURES)
def test_limit_is_the_one_that_is_kept(figure):
    said = [row["at most"] for _, row in _rows("SCENARIOS.md") if "at most" in row]
    assert any(re.search(rf"(^|\s){figure}\b", text) for text in said)
    assert FIGURES[figure]


KEYS = {
    alias or name
    for shape in vars(shapes).values()
    if isinstance(shape, type) and issubclass(shape, documents.Shape)
    for name, alias in ((name, field.alias) for name, field in shape.model_fields.items())
}


def test_every_key_of_scenarios_and_flows_stands_on_the_page():
    page = (DOCS / "SCENARIOS.md").read_text() + (DOCS / "ANSWERS.md").read_text()
    assert len(KEYS) > 80
    assert sorted(key for key in KEYS if not re.search(rf"\b{key}\b", page)) == []


def test_every_cause_stands_on_the_page():
    page = (DOCS / "SCENARIOS.md").read_text()
    assert [cause for cause in Cause if not re.search(rf"\b{cause}\b", page)] == []


def test_every_function_of_templates_stands_on_the_page():
    page = (DOCS / "SCENARIOS.md").read_text()
    assert [name for name in RESERVED - {"dict"} if not re.search(rf"\b{name}\b", page)] == []
