"""What is made of Keptn's files, what is said of the rest, and what no file may say."""

from __future__ import annotations

import pytest

from seatrial import documents
from seatrial.errors import DocumentError
from seatrial.slo.keptn import Choice, convert
from seatrial.slo.keptn_file import read_sli, read_slo

WEIGHED = "objectives: [{sli: a, pass: [{criteria: [<5]}]}]\n"
TOTAL = "total_score: {pass: 90%, warning: 75%}\n"


def _slo(*objectives, head="", total=TOTAL):
    lines = "".join(f"  - {line}\n" for line in objectives)
    return read_slo(documents.loads(f"spec_version: '1.0'\n{head}objectives:\n{lines}{total}", "slo.yaml"))


def _made(*objectives, head="", queries=None, **choice):
    return convert(_slo(*objectives, head=head), queries or {}, Choice("carts", **choice))


def _said(made):
    return "\n".join(f"{where}: {text}" for where, text in made.notes)


@pytest.mark.parametrize(
    ("sli", "keys"),
    [
        ("response_time_p50", {"indicator": "latency", "quantile": "p50"}),
        ("response_time_p99", {"indicator": "latency", "quantile": "p99"}),
        ("error_rate", {"indicator": "errors"}),
        ("throughput", {"indicator": "throughput"}),
    ],
)
def test_what_seatrial_measures_itself_needs_no_query(sli, keys):
    made = _made(f"{{sli: {sli}, pass: [{{criteria: ['<0.5']}}]}}", profile="steady")
    (objective,) = made.service["objectives"]
    assert objective == {"name": sli, **keys, "criteria": {"met": [["<0.5"]]}, "no_value": "missed"}
    assert f"line 3: SLI `{sli}`: what seatrial measures itself" in _said(made)


def test_a_query_of_ones_own_is_asked_even_where_seatrial_could_measure():
    made = _made("{sli: error_rate, pass: [{criteria: [<0.5]}]}", queries={"error_rate": "sum(x)"}, profile="steady")
    assert made.service["objectives"][0]["query"] == "sum(x)"
    assert made.notes == ()


def test_keptns_placeholders_become_ours():
    query = 'a{job="$SERVICE-$PROJECT-$STAGE", h="$HANDLER", g="$handler"}[$DURATION_SECONDS]'
    head = "filter: {handler: \"'Items'\"}\n"
    made = _made("{sli: a}", head=head, queries={"a": query}, project="shop")
    assert made.service["objectives"] == [
        {
            "name": "a",
            "indicator": "prometheus",
            "query": 'a{job="$service-shop-$realm", h="Items", g="Items"}[$hold]',
            "information": True,
        }
    ]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("a{p='$PROJECT'}", "nothing says what $PROJECT is (--project names it)"),
        ("a{p='$LABEL.build'}", "nothing says what $LABEL.build is (write its value into sli.yaml)"),
        ("a{p='$DEPLOYMENT'}", "nothing says what $DEPLOYMENT is"),
        ("MV2;Percent;metricSelector=builtin:x", "its query is not PromQL"),
        (None, "no query of it was given (--sli)"),
    ],
)
def test_an_sli_that_cannot_be_converted_is_named_with_what_it_means_for_the_score(query, said):
    queries = {"b": "sum(b)"} | ({"a": query} if query else {})
    made = _made("{sli: a, pass: [{criteria: [<5]}]}", "{sli: b, pass: [{criteria: [<5]}]}", queries=queries)
    assert [item["name"] for item in made.service["objectives"]] == ["b"]
    assert "line 3: SLI `a`: not converted, " in _said(made)
    assert said in _said(made)
    assert "the score counts without it" in _said(made)


def test_nothing_is_left_out_in_silence():
    made = _made(
        "{sli: a, displayName: A, o: me, pass: [{criteria: [<5]}], warning: [{criteria: [fast]}, {criteria: [<9]}]}",
        "{sli: error_rate, pass: [{criteria: [<=5]}]}",
        head="comparison: {compare: 1}\nfilter: {}\nextra: 1\n",
        queries={"a": "sum(a)"},
    )
    said = _said(made)
    for text in (
        "line 4: `extra` means nothing to Keptn",
        "line 2: `compare` means nothing to Keptn",
        "line 6: `o` means nothing to Keptn",
        "line 6: its display name, 'A', is not kept",
        "line 6: a list of `warning` can never hold, as in Keptn, and is left out: 'fast' begins with no operator",
        "line 7: SLI `error_rate`: a share is never above 1",
        ": the gate has no `load`, and without one nothing is judged",
    ):
        assert text in said, said
    assert made.service["objectives"][0]["criteria"]["degraded"] == [["<9"]]


def test_a_comparison_is_kept_only_where_something_is_relative():
    several = "compare_with: several_results, include_result_with_score: pass_or_warn, aggregate_function: p95"
    head = f"comparison: {{{several}}}\n"
    relative = _made("{sli: error_rate, pass: [{criteria: [<=+10%]}]}", head=head)
    assert relative.gate["versus"] == {"last": 3, "of": "met_or_degraded", "aggregate": "p95"}
    assert "versus" not in _made("{sli: error_rate, pass: [{criteria: [<=0.1]}]}", head=head).gate


def test_a_gate_may_be_told_its_load():
    assert _made("{sli: error_rate}", profile="steady").gate == {
        "gate": "carts",
        "load": {"profile": "steady"},
        "score": {"met": "90%", "degraded": "75%"},
    }


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("objectives: []\n" + TOTAL, (1, 13), "no objectives: every evaluation of it fails"),
        ("objectives:\n" + TOTAL, (1, 12), "no objectives"),
        ("objectives: [null]\n" + TOTAL, (1, 13), "no objectives"),
        (TOTAL, (1, 1), "no objectives"),
        ("objectives: [{pass: []}]\n" + TOTAL, (1, 14), "'sli' is missing"),
        ("objectives: [{sli: a}, {sli: a}]\n" + TOTAL, (1, 30), "SLI 'a' stands first in line 1; its value"),
        ("objectives: [{sli: a, weight: 1.5}]\n" + TOTAL, (1, 31), "1.5: input should be a valid integer"),
        ("objectives: [{sli: a, weight: -1}]\n" + TOTAL, (1, 31), "greater than or equal to 0"),
        ("objectives: [{sli: a, key_sli: maybe}]\n" + TOTAL, (1, 32), "'maybe': input should be a valid boolean"),
        ("objectives: [{sli: a, pass: [{criteria: <5}]}]\n" + TOTAL, (1, 41), "a list is wanted here"),
        ("objectives: [{sli: a, pass: [{criteria: [5]}]}]\n" + TOTAL, (1, 42), "5: input should be a valid string"),
        (
            "comparison: {aggregate_function: p99}\nobjectives: [{sli: a}]\n" + TOTAL,
            (1, 34),
            "'p99', with which Keptn compares with 0",
        ),
        (WEIGHED, (1, 1), "'total_score' has no 'pass'"),
        (WEIGHED + "total_score: {warning: 5%}\n", (2, 14), "'total_score' has no 'pass'"),
        (WEIGHED + "total_score: {pass: ''}\n", (2, 14), "'total_score' has no 'pass'"),
        (WEIGHED + "total_score: {pass: most}\n", (2, 21), "a total score of 'most' is none"),
        (WEIGHED + "total_score: {pass: 101%}\n", (2, 21), "a total score of '101%' is none"),
        (WEIGHED + "total_score: {pass: 9, warning: x}\n", (2, 33), "a total score of 'x'"),
    ],
)
def test_what_keptn_can_never_have_meant_is_refused_with_its_place(text, place, problem):
    with pytest.raises(DocumentError) as caught:
        read_slo(documents.loads(text, "slo.yaml"))
    assert problem in str(caught.value)
    assert (caught.value.where.line, caught.value.where.column) == place


def test_a_criterion_that_is_none_is_refused_where_keptn_would_fail_for_ever():
    slo = _slo("{sli: a, pass: [{criteria: [<5]}, {criteria: [<5, fast]}]}")
    with pytest.raises(DocumentError, match=r"slo\.yaml:3:55: 'fast' begins with no operator"):
        convert(slo, {"a": "sum(a)"}, Choice("carts"))


def test_a_file_of_which_nothing_can_be_converted_is_refused():
    with pytest.raises(DocumentError, match="not one objective can be converted; give the queries, with --sli"):
        convert(_slo("{sli: a}"), {}, Choice("carts"))


def test_queries_are_texts():
    assert read_sli(documents.loads("spec_version: '1.0'\nindicators: {a: sum(a)}\n", "sli.yaml")) == {"a": "sum(a)"}
    with pytest.raises(DocumentError, match=r"sli\.yaml:1:17: 5: input should be a valid string"):
        read_sli(documents.loads("indicators: {a: 5}\n", "sli.yaml"))


def test_an_empty_query_is_refused_with_its_place():
    with pytest.raises(DocumentError, match=r"sli\.yaml:1:17: the query of 'a' is empty; write the query"):
        read_sli(documents.loads("indicators: {a: ' '}\n", "sli.yaml"))


def test_a_query_that_a_filter_empties_is_not_converted():
    head = "filter: {q: ''}\n"
    made = _made("{sli: a}", "{sli: b}", head=head, queries={"a": "$q", "b": "sum(b)"}, profile="steady")
    assert [item["name"] for item in made.service["objectives"]] == ["b"]
    assert "SLI `a`: not converted, its query is empty once the filters stand in it" in _said(made)


def test_a_warning_without_a_pass_is_not_dropped_in_silence():
    made = _made("{sli: a, pass: [], warning: [{criteria: [<9]}]}", queries={"a": "sum(a)"}, profile="steady")
    assert made.service["objectives"][0]["information"]
    assert "line 3: SLI `a`: without `pass` it is information, as in Keptn; its `warning` is not kept" in _said(made)


def test_a_misspelt_key_of_a_list_of_criteria_is_told_and_so_is_that_it_asks_nothing():
    made = _made("{sli: a, pass: [{criterion: [<5]}]}", queries={"a": "sum(a)"}, profile="steady")
    assert made.service["objectives"][0]["criteria"] == {"met": [["<1e308"]]}
    assert "line 3: `criterion` means nothing to Keptn; it is left out" in _said(made)
    assert "line 3: a list of `pass` has no criteria, so it always holds, as in Keptn" in _said(made)
