"""Schemas and readers agree: on every document of this repository, on wrong ones, on how quantities are written."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial import documents
from seatrial.errors import SeatrialError
from seatrial.schema import KINDS, combined_schema, make, schema_of
from seatrial.schema.make import DIALECT
from seatrial.schema.words import KEYS
from seatrial.schema.written import QUANTITIES, READERS

ROOT = Path(__file__).parent.parent.parent
FOLDERS = (
    "scenarios",
    "chaos",
    "synthetic",
    "slo",
    "src/seatrial/starter",
    "tests/golden/passes",
    "tests/golden/fails",
)
STEP = {"request": {"url": "/x"}, "expect": {"status": 200}}


def _files() -> Iterator[Path]:
    yield ROOT / "realms.yaml"
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.yaml"))


def _blocks() -> Iterator[tuple[str, str]]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL)):
            yield f"{page.name}-{number}", block


DOCUMENTS = [documents.load(path) for path in _files()]
EXAMPLES = [(name, documents.loads(block, name)) for name, block in _blocks()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_json_schema_of_2020(kind: str) -> None:
    for schema in (schema_of(kind), combined_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == DIALECT


@pytest.mark.parametrize("document", [*DOCUMENTS, *(document for _, document in EXAMPLES)], ids=lambda it: it.file)
def test_every_document_of_the_repository_is_valid(document: documents.Document) -> None:
    if document.kind not in KINDS:  # a part of a document, as the README shows some, or a pipeline of a CI system
        assert document.file.startswith(("README", "ci.md"))
        return
    for schema in (schema_of(document.kind), combined_schema()):
        wrong = [
            (list(it.absolute_path), it.message)
            for it in jsonschema.Draft202012Validator(schema).iter_errors(document.content)
        ]
        assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    schema = schema_of(kind)
    silent = [
        f"{name}.{key}"
        for name, part in {kind: schema, **schema["$defs"]}.items()
        for key, about in part.get("properties", {}).items()
        if not about.get("description")
    ]
    assert silent == []


def test_every_sentence_explains_a_key() -> None:
    known = {"version"}
    for kind in KINDS:
        root, parts = make._parts(kind)
        for name, part in {kind: root, **parts}.items():
            owner = make._qualified(kind, name)
            known |= {f"{owner}.{key}" for key in part.get("properties", {})}
            family = make._FAMILIES.get(owner)
            known |= {f"{family}.{key}" for key in part.get("properties", {}) if family}
    assert set(KEYS) - known == set()


def scenario(**step: Any) -> dict[str, Any]:
    return {"scenario": "x", "service": "shop", "steps": [{**STEP, **step}]}


def expecting(**expect: Any) -> dict[str, Any]:
    return scenario(expect=expect)


def checking(**check: Any) -> dict[str, Any]:
    return expecting(checks=[check])


def sending(**request: Any) -> dict[str, Any]:
    return scenario(request={"url": "/x", **request})


def experiment(inject: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"experiment": "x", "method": [{"at": "0s", "inject": {"for": "5s", **inject}}], **more}


def gameday(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"gameday": "x", "steps": [{"hypothesis": "it holds", **step} for step in steps], **more}


def service(**objective: Any) -> dict[str, Any]:
    return {"service": "x", "objectives": [{"name": "o", **objective}]}


def shaped(model: str = "open", **shape: Any) -> dict[str, Any]:
    return {"profile": "x", "scenarios": ["a"], "model": model, "shape": shape}


def profile(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"profile": "x", "scenarios": ["a"], "stages": list(stages), **more}


def realm(**more: Any) -> dict[str, Any]:
    return {"realms": {"here": more}}


RIGHT = [
    scenario(),
    scenario(timeout="1.5s", mutates=True, when="x is defined", skip="no", only_in="here", never_in=["a", "b"]),
    scenario(delay="10ms", repeat="{{ n }}"),
    scenario(for_each={"as": "one", "in": [1, 2]}),
    scenario(until={"condition": "done", "max": 3, "interval": 0}),
    scenario(retry={"until": "expect", "max": 3, "interval": "1s", "on": ["broken"], "backoff": "linear"}),
    scenario(
        capture={
            "a": {"jsonpath": "$.a"},
            "b": {"status": None},
            "c": {"header": "X", "filters": ["trim", {"nth": 0}]},
        }
    ),
    scenario(capture={"a": {"cookie": "a", "secret": True, "filter": {"replace": ["a", "b"]}}}),
    {"scenario": "x", "rows": [{"a": 1}], "steps": [{**STEP, "request": {"url": "service://shop/"}}]},
    {
        "scenario": "x",
        "service": "shop",
        "rows": {"inline": [{"a": 1}], "shuffle": 7},
        "steps": [STEP],
        "cookies": False,
    },
    {
        "scenario": "x",
        "service": "shop",
        "steps": [{"parallel": [STEP, STEP]}],
        "load": {"weight": 2, "think_time": "1s..3s"},
    },
    {"scenario": "x", "service": "shop", "steps": [{"websocket": {"url": "/x", "send": "hi", "expect": {"a": 1}}}]},
    {"scenario": "x", "service": "shop", "steps": [{"sse": {"url": "/x", "until": [{"data": {"$exists": True}}]}}]},
    expecting(status=[200, 204], json={"a": {"$type": "string"}, "b": [1, {"$gt": 3}], "$$c": None}, strict=True),
    expecting(status="any", json=None),
    expecting(max={"fail": "1s", "degraded": "500ms"}),
    checking(jsonpath="$.a", gte=0, lt="{{ n }}"),
    checking(jsonpath="$.a", **{"not": {"contains": "x"}}, severity="degraded"),
    checking(body={"empty": True}),
    checking(duration=True, lt="500ms"),
    checking(header="X", **{"in": ["a", "b"]}),
    checking(status=None, between=[200, 299]),
    checking(jsonpath="$.a", schema={"type": "string"}),
    checking(jsonpath="$.a", filters=["count"], eq=3),
    sending(method="POST", json={"a": "{{ b }}"}, headers={"A": 1}, params={"a": [1, 2]}, cookies={"a": "b"}),
    sending(form={"a": "b"}, auth={"basic": {"user": "a", "password": "b"}}, follow=True, http_version=2),
    sending(multipart={"a": "b"}, auth={"api_key": {"name": "k", "value": "v", "in": "query"}}, follow=3),
    sending(text="x", auth={"bearer": "t"}, follow={"max": 2, "trusted": "all"}, http_version="1.1"),
    sending(graphql={"query": "{ a }"}, timeout="1s", max_body="1MiB", raw=True, session="other"),
    sending(timeout={"connect": "1s", "total": "2s"}, tls={"verify": False}, proxy="http://127.0.0.1:1"),
    {
        "flow": "x",
        "service": "s",
        "inputs": {"a": None, "b": {"secret": True}, "c": 3},
        "steps": [STEP],
        "outputs": ["a"],
    },
    profile({"ramp_to": "5/s", "over": "1s"}, {"hold": "10s"}, warm_up="1s", max_in_flight=5, stop_when="decided"),
    profile({"ramp_to": 5}, {"hold": "10s"}, model="closed", scenarios={"a": 2}),
    shaped(kind="ramp", to="5/s", over="1s", hold="1s", **{"from": "1/s"}),
    shaped(kind="spike", base="5/s", peak="50/s", after="1s", lasts="1s", times=3),
    shaped(kind="soak", rate="5/s", **{"for": "1h"}),
    shaped("closed", kind="soak", users=5, **{"for": "1h"}),
    shaped(kind="step", by="5/s", every="1s", times=2, **{"from": "5/s"}),
    shaped("closed", kind="breakpoint", by=5, every="10s", up_to=50, **{"from": 5}),
    experiment({"edge": "a->b", "latency": {"latency": "250ms", "jitter": 5}}),
    gameday({"experiment": "a", "watch": {"Ada": "all"}}, people={"lead": "Ada"}, before=["Is all well?"], version=1),
    gameday({"experiment": experiment({"edge": "a->b", "latency": {"latency": 9}})}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"errors": "a", "at_most": "20%"}]}),
    experiment(
        {"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"amplification": "a->b", "at_most": 1.2}]}
    ),
    experiment({"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"amplification": "a->b"}]}),
    experiment({"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"timeout": "a->b"}]}),
    experiment(
        {"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"timeout": "a->b", "bounded_by": "1s"}]}
    ),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"fallback": "a->b", "status": 200}]}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"fallback": "a->b"}]}),
    experiment({"edge": "a->b", "down": {}}, traffic={"profile": "steady"}),
    experiment({"edge": "a->b", "down": {}}, traffic={"scenario": "pay", "every": "200ms"}),
    experiment({"edge": "a->b", "down": {}}, abort_on={"objectives": ["a.fast"]}),
    experiment(
        {"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"bulkhead": "a->b", "in_flight": 3}]}
    ),
    experiment(
        {"edge": "a->b", "latency": {"latency": 9}},
        expect={"during": [{"hedging": "a->b", "replica": "a->b2", "answered_within": "1s"}, {"isolation": "a->b"}]},
    ),
    experiment({"service": "a", "kill": {"signal": "TERM"}}, abort_on={"errors": "> 50% for 5s"}),
    experiment({"service": "a", "restart": {}}),
    experiment({"service": "a", "limit": {"cpu": 0.2, "memory": "64MiB"}}),
    experiment({"service": "a", "disconnect": {"network": "b"}}),
    experiment({"service": "a", "rolling_restart": {"replicas": ["b"], "pause": "2s"}}),
    experiment({"service": "a", "rolling_restart": {}}),
    experiment({"edge": "a->b", "bandwidth": {"rate": "10kB/s"}}, steady_state={"objectives": ["a.b"]}),
    experiment(
        {
            "edge": "a->b",
            "http_error": {
                "route": "POST /a/*",
                "probability": "50%",
                "status": 429,
                "headers": {"X-A": "b"},
                "retry_after": "2s",
            },
        }
    ),
    experiment({"edge": "a->b", "http_delay": {"delay": "1s", "first": 3}, "toxicity": "50%"}),
    experiment({"edge": "a->b", "http_replace": {"json": {"/a": None}}}),
    experiment({"edge": "a->b", "http_truncate": {"bytes": 3}}),
    experiment({"edge": "a->b", "slicer": {"average_size": 3, "delay": 10}}),
    experiment({"edge": "a->b", "slow_close": {"delay": "1s"}}),
    experiment({"edge": "a->b", "limit_data": {"bytes": 3}}),
    service(indicator="errors", limit="1%", key=True),
    service(indicator="latency", quantile="p99.9", limit={"met": "1s", "degraded": "2s"}, routes=["GET /a/*"]),
    service(indicator="throughput", at_least="15/s", window="7d"),
    service(indicator="latency", quantile="p95", versus="baseline", at_most="+10%"),
    service(indicator="errors", versus="main", at_most={"met": "0%", "degraded": "+150%"}),
    service(indicator="throughput", versus="main", at_least="-5%"),
    service(indicator="prometheus", query="up", limit="0.5%"),
    service(indicator="prometheus", query="up", limit=0),
    service(indicator="prometheus", query="up", at_least={"met": "9/s", "degraded": "5/s"}, no_value="missed"),
    service(indicator="prometheus", query="up", limit={"met": "1s", "degraded": "2s"}, weight=2, key=True),
    service(indicator="prometheus", query="up", information=True),
    service(
        indicator="prometheus", query="up", criteria={"met": [["<600", "<= +10 %"], ["<9"]], "degraded": [[">=-5"]]}
    ),
    service(indicator="latency", quantile="p95", criteria={"met": [["<600"]]}, unit="ms", routes=["GET /a/*"]),
    service(indicator="errors", criteria={"met": [["<=5"]]}, unit="percent"),
    service(indicator="throughput", information=True),
    realm(prometheus="http://127.0.0.1:9090"),
    realm(prometheus={"url": "https://p.example.com/x", "headers": {"Authorization": "Bearer {{ secrets.t }}"}}),
    realm(prometheus={"url": "http://127.0.0.1:9090", "timeout": "3s"}),
    {"gate": "x", "score": {"met": "90%"}},
    {"gate": "x", "versus": {"last": 3, "of": "met_or_degraded", "aggregate": "p90"}},
    {"gate": "x", "audit": {}},
    {"gate": "x", "audit": {"only": ["cards->ledger", "hang", 5], "missed_from": "medium"}},
    {"gate": "x", "versus": "last met"},
    {"gate": "x", "versus": {"last": 3}},
    {"gate": "x", "versus": {"name": "main", "across_realms": True}},
    {
        "service": "x",
        "depends_on": ["a", {"b": "optional"}],
        "mechanisms": {"a": {"timeout": "1s", "retries": {"max": 0}}},
    },
    {
        "gate": "x",
        "load": {"profile": "p", "at_most": "5m"},
        "alpha": "5%",
        "score": {"met": "90%", "degraded": "75%"},
    },
    {"monitor": "x", "scenarios": ["a"], "every": "30s", "alerts": {"down": {"after": 1, "severity": "ticket"}}},
    {"channel": "x", "kind": "webhook", "url": "https://example.com/x", "secret": {"env": "X"}},
    realm(services={"a": "http://127.0.0.1:1"}, secrets={"p": {"env": "P"}}, allows={"mutations": {"tags": ["x"]}}),
    realm(runtime={"kind": "process"}, services={"a": {"start": {"command": ["x"], "env": {"A": 1}}, "health": "/"}}),
    realm(services={}, allows={"load": {"max_rate": "5/s"}, "check": {"max_rate": "5/s"}}, tracing="off"),
    realm(tracing={"traceparent": None}),
]

WRONG = [
    {"scenario": "", "steps": [STEP]},
    {"scenario": "x", "service": "s"},
    {"scenario": "x", "service": "s", "steps": []},
    {"scenario": "x", "service": "s", "steps": [STEP], "version": 2},
    {"scenario": "x", "service": "s", "steps": [STEP], "setup": {}},
    {"scenario": "x", "service": "s", "steps": [STEP], "load": {"weight": 0}},
    {"scenario": "x", "service": "s", "steps": [STEP], "load": {"think_time": "1..3"}},
    {"scenario": "x", "service": "s", "steps": [STEP], "rows": {"shuffle": 3}},
    {"scenario": "x", "service": "s", "steps": [STEP], "rows": []},
    {"scenario": "x", "service": "s", "steps": [STEP], "rows": {"inline": []}},
    {"scenario": "x", "service": "s", "steps": [STEP], "rows": [3]},
    {"scenario": "x", "service": "s", "steps": [STEP], "rows": {"file": "a.csv", "inline": [{"a": 1}]}},
    {"scenario": "x", "service": "s", "steps": [STEP], "vars": {"not a name": 1}},
    {"scenario": "x", "service": "s", "steps": [STEP], "vars": {"secrets": 1}},
    {"scenario": "x", "service": "s", "steps": [{"name": "nothing"}]},
    {"scenario": "x", "service": "s", "steps": [{**STEP, "use": "flows/a.yaml"}]},
    {"scenario": "x", "service": "s", "steps": [{**STEP, "sse": {"url": "/", "until": 1}}]},
    {"scenario": "x", "service": "s", "steps": [{"sse": {"url": "/"}}]},
    {"scenario": "x", "service": "s", "steps": [{"parallel": []}]},
    {"scenario": "x", "service": "s", "steps": [{"parallel": [STEP], "expect": {"status": 200}}]},
    scenario(exspect={}),
    scenario(outputs=["a"]),
    scenario(timeout=5),
    scenario(timeout="0s"),
    scenario(timeout="5"),
    scenario(timeout="5 parsecs"),
    scenario(when=True),
    scenario(once="forever", use="a"),
    scenario(repeat="many"),
    scenario(until={"condition": "x"}),
    scenario(for_each={"in": [1]}),
    scenario(retry={"max": 0}),
    scenario(retry={"on": []}),
    scenario(retry={"on": ["rain"]}),
    scenario(retry={"backoff": "fibonacci"}),
    scenario(capture={"a": {}}),
    scenario(capture={"a": {"jsonpath": "$.a", "header": "b"}}),
    scenario(capture={"a": {"jsonpath": "$.a", "gt": 3}}),
    scenario(capture={"a b": {"jsonpath": "$.a"}}),
    scenario(capture={"a": {"jsonpath": "$.a", "secret": "yes"}}),
    scenario(capture={"a": "$.a"}),
    expecting(status=99),
    expecting(status="ok"),
    expecting(status=[]),
    expecting(strict=True),
    expecting(max={}),
    expecting(json={"a": {"$typ": "string"}}),
    expecting(json={"a": {"$type": "strng"}}),
    expecting(json={"a": {"$not": {}}}),
    checking(),
    checking(jsonpath="$.a"),
    checking(eq=3),
    checking(jsonpath="$.a", equals=3),
    checking(jsonpath="", eq=3),
    checking(jsonpath=3, eq=3),
    checking(jsonpath="$.a", header="b", eq=3),
    checking(jsonpath="$.a", gt=[1]),
    checking(jsonpath="$.a", exists="yes"),
    checking(jsonpath="$.a", between=[1]),
    checking(jsonpath="$.a", length=-1),
    checking(jsonpath="$.a", type="strng"),
    checking(jsonpath="$.a", eq=1, severity="mild"),
    checking(jsonpath="$.a", **{"not": {"eq": 1, "gt": 0}}),
    checking(jsonpath="$.a", **{"in": "a"}),
    checking(jsonpath="$.a", starts_with=3),
    checking(jsonpath="$.a", filters="count", eq=1),
    checking(jsonpath="$.a", filters=["cuont"], eq=1),
    checking(jsonpath="$.a", filters=["nth"], eq=1),
    checking(status=200, eq=200),
    sending(json=1, text="x"),
    sending(auth={}),
    sending(auth={"bearer": "a", "basic": {"user": "a", "password": "b"}}),
    sending(auth={"basic": {"user": "a"}}),
    sending(method="GET /"),
    sending(follow=0),
    sending(http_version=3),
    sending(http_version="1.0"),
    sending(max_body="10"),
    sending(headers=["a"]),
    sending(tls={"verify": "maybe"}),
    {"flow": "x", "service": "s", "steps": []},
    {"flow": "x", "service": "s", "steps": [STEP], "tags": ["a"]},
    {"profile": "x", "scenarios": ["a"]},
    profile(),
    profile({"hold": "1s", "ramp_to": "1/s"}),
    profile({"ramp_to": "1/s"}, {"hold": "1s", "over": "1s"}),
    profile({"ramp_to": 5}),
    profile({"ramp_to": "5/s"}, model="closed"),
    profile({"ramp_to": 5}, model="closed", max_in_flight=5),
    profile({"ramp_to": "5/s"}, shape={"kind": "soak", "rate": "1/s", "for": "1s"}),
    shaped(),
    shaped(kind="spiky"),
    shaped(kind="ramp", to="5/s"),
    shaped(kind="ramp", to="5/s", over="1s", every="1s"),
    shaped(kind="soak", **{"for": "1s"}),
    shaped(kind="soak", rate="5/s", users=5, **{"for": "1s"}),
    shaped(kind="soak", rate=5, **{"for": "1s"}),
    shaped(kind="soak", users=5, **{"for": "1s"}),
    shaped("closed", kind="soak", rate="5/s", **{"for": "1s"}),
    shaped(kind="step", by="5/s", every="1s", **{"from": "5/s"}),
    shaped(kind="step", by="5/s", every="1s", times=2, up_to="9/s", **{"from": "5/s"}),
    shaped(kind="spike", base="5/s", peak="50/s", after="1s", lasts="1s", times=0),
    shaped(kind="breakpoint", by="5/s", every="1s", **{"from": "5/s"}),
    shaped(kind="breakpoint", by="5/s", every="1s", up_to="9/s", **{"from": "5/s"}) | {"stop_when": "decided"},
    profile({"ramp_to": "5"}),
    profile({"ramp_to": "5/s"}, model="half-open"),
    {"experiment": "x", "method": []},
    gameday(),
    gameday({}),
    gameday({"experiment": ""}),
    gameday({"experiment": "a", "hypothesis": ""}),
    gameday({"experiment": "a", "watch": ["Ada"]}),
    gameday({"experiment": {"experiment": "a"}}),
    gameday({"experiment": experiment({"edge": "a->b"})}),
    gameday({"experiment": experiment({"edge": "a->b", "down": {}}, abort_on={})}),
    experiment({"edge": "a->b", "http_error": {"route": "a/*"}}),
    experiment({"edge": "a->b", "http_error": {"request_headers": {"a b": "c"}}}),
    experiment({"edge": "a->b", "http_error": {"request_headers": {"a": ""}}}),
    experiment({"edge": "a->b", "http_error": {"request_headers": {}}}),
    experiment({"edge": "a->b", "http_error": {"route": ""}}),
    experiment({"edge": "a->b", "http_error": {"method": ""}}),
    experiment({"edge": "a->b", "http_delay": {"delay": "1s", "method": "PO ST"}}),
    experiment({"edge": "a->b", "http_delay": {}}),
    experiment({"edge": "a->b", "http_truncate": {"bytes": -1}}),
    experiment({"edge": "a->b", "http_replace": {}}),
    experiment({"edge": "a->b", "http_replace": {"json": {"a": 1}}}),
    experiment({"edge": "a->b", "slicer": {}}),
    experiment({"edge": "a->b"}),
    experiment({"edge": "a-b", "down": {}}),
    experiment({"edge": "->b", "down": {}}),
    experiment({"down": {}}),
    experiment({"edge": "a->b", "service": "a", "down": {}}),
    experiment({"edge": "a->b", "down": {}, "timeout": {"timeout": 0}}),
    experiment({"edge": "a->b", "down": {"x": 1}}),
    experiment({"edge": "a->b", "latency": {"latency": "slow"}}),
    experiment({"edge": "a->b", "down": {}}, abort_on={"errors": "50%"}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"errors": "a"}]}),
    experiment({"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"bulkhead": "a->b"}]}),
    experiment(
        {"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"hedging": "a->b", "replica": "a->b2"}]}
    ),
    experiment(
        {"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"isolation": "a->b", "status": 200}]}
    ),
    experiment({"edge": "a->b", "down": {}}, abort_on={}),
    experiment({"edge": "a->b", "down": {}}, abort_on={"objectives": ["fast"]}),
    experiment({"edge": "a->b", "down": {}}, traffic={"scenario": "pay"}),
    experiment({"edge": "a->b", "down": {}}, traffic={"profile": "steady", "every": "1s"}),
    experiment({"edge": "a->b", "down": {}}, traffic={"profile": "steady", "scenario": "pay", "every": "1s"}),
    experiment({"edge": "a->b", "down": {}}, traffic={}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"fallback": "a"}]}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"errors": "a", "at_most": 0.2}]}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"amplification": "a->c", "at_most": "9%"}]}),
    experiment({"edge": "a->b", "latency": {"latency": 9}}, expect={"during": [{"timeout": "a->b", "at_most": 2}]}),
    experiment({"edge": "a->b", "down": {}}, expect={"during": [{"errors": "a", "p99_at_most": "1s"}]}),
    experiment({"edge": "a->b", "down": {}}, steady_state={"objectives": ["a"]}),
    service(indicator="erors", limit="1%"),
    service(indicator="errors"),
    service(indicator="errors", limit="300ms"),
    service(indicator="errors", limit="1%", quantile="p99"),
    service(indicator="latency", limit="300ms"),
    service(indicator="latency", limit="300ms", quantile="99"),
    service(indicator="latency", quantile="p99", at_least="1/s"),
    service(indicator="throughput", limit="1/s"),
    service(indicator="errors", limit={"met": "1%"}),
    service(indicator="errors", limit="1%", versus="main"),
    service(indicator="errors", at_most="10%", versus="main"),
    service(indicator="errors", at_most="+10%"),
    service(indicator="throughput", at_least="+5%", versus="main"),
    service(indicator="errors", limit="1%", routes=["/a"]),
    service(indicator="errors", limit="101%"),
    service(indicator="errors", limit=0.01),
    {"service": "x", "depends_on": [{"a": "maybe"}]},
    {"service": "x", "mechanisms": {"a": {"breaker": {"min_calls": 0}}}, "depends_on": ["a"]},
    {"gate": "x", "alpha": 0.05},
    {"gate": "x", "on_undecided": "shrug"},
    {"gate": "x", "audit": {"missed_from": "grave"}},
    {"gate": "x", "audit": {"edges": ["cards->ledger"]}},
    service(indicator="prometheus", limit="1%"),
    service(indicator="prometheus", query="up"),
    service(indicator="prometheus", query="up", limit="high"),
    service(indicator="prometheus", query="up", criteria={"met": [["<600"], []]}),
    service(indicator="prometheus", query="up", limit="1%", at_least="2%"),
    service(indicator="prometheus", query="up", limit="1%", routes=["GET /a"]),
    service(indicator="prometheus", query="up", limit="1%", unit="ms"),
    service(indicator="prometheus", query="up", limit="1%", window="7d"),
    service(indicator="prometheus", query="up", limit={"met": "1%"}),
    service(indicator="prometheus", query="up", information=False),
    service(indicator="prometheus", query="up", criteria={"met": []}),
    service(indicator="prometheus", query="up", criteria={"met": [["!=5"]]}),
    service(indicator="prometheus", query="up", criteria={"met": ["<5"]}),
    service(indicator="prometheus", query="up", criteria={"degraded": [["<5"]]}),
    service(indicator="latency", criteria={"met": [["<600"]]}),
    service(indicator="latency", quantile="p9", criteria={"met": [["<600"]]}, unit="ratio"),
    service(indicator="errors", quantile="p9", criteria={"met": [["<600"]]}),
    service(indicator="errors", criteria={"met": [["<5"]]}, limit="1%"),
    service(indicator="errors", criteria={"met": [["<5"]]}, information=True),
    service(indicator="errors", criteria={"met": [["<5"]]}, versus="main"),
    service(indicator="errors", criteria={"met": [["<5"]]}, no_value="maybe"),
    service(indicator="errors", limit="1%", query="up"),
    service(indicator="errors", limit="1%", no_value="missed"),
    realm(prometheus="prom:9090"),
    realm(prometheus={"url": "prom:9090"}),
    realm(prometheus={"headers": {}}),
    realm(prometheus={"url": "http://127.0.0.1:9090", "timeout": "0s"}),
    {"gate": "x", "versus": {"last": 3, "of": "pass"}},
    {"gate": "x", "versus": {"last": 3, "aggregate": "p99"}},
    {"gate": "x", "versus": {"last": 0}},
    {"gate": "x", "versus": {"last": 1, "name": "main"}},
    {"gate": "x", "versus": {"last": 1, "across_realms": True}},
    {"monitor": "x", "scenarios": [], "every": "30s"},
    {"monitor": "x", "scenarios": ["a"]},
    {"monitor": "x", "scenarios": ["a"], "every": "30s", "cron": "* * * * *"},
    {"channel": "x", "kind": "pigeon", "url": "https://example.com"},
    {"channel": "x", "kind": "webhook", "url": "example.com"},
    {"realms": {}},
    {"realms": {"a b": {}}},
    realm(services={"client": "http://127.0.0.1"}),
    realm(services={"a": {}}),
    realm(services={"a": {"url": "x", "start": {"command": ["x"]}}}),
    realm(services={"a": {"start": {"command": []}}}),
    realm(secrets={"a": {}}),
    realm(secrets={"a": {"env": "A", "file": "b"}}),
    realm(allows={"load": True}),
    realm(allows={"load": {"max_rate": 5}}),
    realm(allows={"mutation": True}),
    realm(runtime={"kind": "cloud"}),
    realm(edges={"a": {"toxiproxy": "x", "proxy": "y"}}),
]  # fmt: skip


def _short(content: dict[str, Any]) -> str:
    return re.sub(r"[^\w.$%/>{}:-]+", " ", str(content)).strip()[:90]


@pytest.mark.parametrize("content", RIGHT, ids=_short)
def test_what_the_reader_takes_the_schema_takes(judge, content: dict[str, Any]) -> None:
    verdicts = judge(content)
    assert (verdicts.reader, verdicts.schema, verdicts.combined) == ("", "", "")


@pytest.mark.parametrize("content", WRONG, ids=_short)
def test_what_is_wrong_is_refused_by_schema_and_reader(judge, content: dict[str, Any]) -> None:
    verdicts = judge(content)
    assert verdicts.reader
    assert verdicts.schema
    assert verdicts.combined


def _mappings(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(content, dict):
        yield path
    for key, part in (
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    ):
        yield from _mappings(part, (*path, key))


def _with_key(content: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    made = copy.deepcopy(content)
    holder = made
    for step in path:
        holder = holder[step]
    holder["zzz"] = "x"
    return made


@pytest.mark.parametrize("content", RIGHT, ids=_short)
def test_one_key_too_many_is_wrong_for_both_or_for_neither(judge, content: dict[str, Any]) -> None:
    for path in _mappings(content):
        changed = _with_key(content, path)
        verdicts = judge(changed)
        assert bool(verdicts.schema) == bool(verdicts.reader), (path, verdicts)


TEXTS = (
    0, 5, -1, 0.5, True, None, "", "0", "0s", "5", "5s", "250ms", "1.5h", "2 m", " 3d ", "1us", "s", "-1s",
    "1e3s", ".5s", "1s..3s", "1s..", "..3s", "1s .. 3s", "5/s", "5 / m", "5/d", "0/s", "/s", "5%", "0%",
    "100%", "100.0%", "101%", "100.5%", "0.1 %", "005%", "%", "p99", "p99.9", "p0", "p00", "p0.1", "p100",
    "99", "p", "p5", "10kB", "10KB", "1 MiB", "5GB", "10", "10kB/s", "10/s", "1MiB / s", "a->b", "a -> b",
    "->b", "a->", "a->b->c", "->x->y", "a", "> 50% for 5s", ">5%for 1s", "> 5 % for 1s", "50% for 5s",
    "> 101% for 1s", "> 100% for 1m",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        *("quantity.duration_s", "quantity.duration_range_s", "quantity.rate_per_s", "quantity.ratio"),
        *(
            "quantity.quantile",
            "quantity.size_bytes",
            "chaos.written.shapes._toxiproxy_s",
            "chaos.written.shapes._toxiproxy_slicer_s",
            "chaos.written.shapes._toxiproxy_bytes_per_s",
        ),
        *("chaos.written.shapes._abort", "chaos.written.shapes._edge", "chaos.written.shapes._nothing"),
    ],
)
def test_a_quantity_is_written_as_its_reader_reads_it(name: str) -> None:
    module, _, function = name.rpartition(".")
    read = getattr(import_module(f"seatrial.{module}"), function)
    schema = {**READERS[name]({}), "$defs": QUANTITIES}
    valid = jsonschema.Draft202012Validator(schema)
    for text in TEXTS:
        assert valid.is_valid(text) == _reads(read, text), text


def _reads(read: Any, text: Any) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def test_an_unknown_kind_is_refused_with_a_hint() -> None:
    with pytest.raises(SeatrialError, match="did you mean 'scenario'"):
        schema_of("scenaro")
