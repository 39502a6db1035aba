"""Documents that readers take, in every form that a schema could get wrong."""

from __future__ import annotations

from typing import Any

STEP = {"request": {"url": "/x"}, "expect": {"status": 200}}


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
