"""What stands between quotes in a document is a language too: paths, patterns, templates, quantities.

Words of each, put together by chance, are compiled and asked of answers as `check` does; none ends in a traceback.
"""

from __future__ import annotations

import random

import mutate
import pytest
import readers

INPUTS = 150
MAX_WORDS = 9
WORDS = {
    "jsonpath": r"""
        $ @ . .. [ ] ( ) ? * , : :: ' \" == != < > && || ! length( count( match( search( value( 'a' \"b\" a
        id cards 0 -1 1e999 99999999999999999999 1.5 true null [*] ['a'] [::-1] [?@.id==7] [?@.id] $.cards
        @.id 'a+' 'a(' ~ ^ #
    """,
    "jmespath": r"""
        a id cards [ ] [*] [0] [::2] [?id==`1`] { } : | || && ! @ * . , ( ) length( sort_by( to_number(
        max_by( &id `1` `{` 'a' "b" == < not_null( avg( join( map( keys(
    """,
    "xpath": r"""
        / // . .. @ * a p title text() node() [ ] ( ) 1 -1 0 div mod + - = < and or | string( count( not(
        substring( 'a' " : :: child:: _:a a:b $x number( sum( last() position() 99999999999999999999
        ancestor::
    """,
    "regex": r"""
        a b . * + ? { } {1,2} {999999} ( ) (?: (?= (?<= (?P<n> (?P=n) \1 \9 [ ] [^ a-z z-a [[ \d \w \b \Z \x
        \u \N | ^ $ (?i) (?x) (a+)+ (?R) \p{L} && -- (?> ++ (?|
    """,
    "template": r"""
        {{ }} {% %} {# #} a amount row.user | upper | join(',') | map('upper') | tojson | sort | first ( ) [
        ] . , + - * / % ** ~ == in is defined not if else endif for x in [1,2] endfor set = range(9) uuid()
        random_int( now() 'a' " 1 1e999 0 none base64( hmac( file('x') env('HOME') raw endraw macro
        __class__ | attr('x') | format | batch(0) | round('x') lines.split()
    """,
    "when": r"""
        a amount row.user is defined none not and or == < in ( ) [ ] . , + - ** // % ~ | int | length 1 0
        'a' {{ }} {% uuid() if else for lambda : = amount.x amount[0] range(99999999)
    """,
    "duration": r"""
        1 0 - . 5 99999999999999999999 1e5 ms s m h d us x .. 1s 250ms nan inf % / 200/s
    """,
    "to_date": r"""
        %Y %m %d %H %M %S %z %Z %j %U %% %E %f %a %B %: - T : . x 2026 %G %V %u %s %-d
    """,
}


def document(language, text):
    """A scenario in which the text stands where the language is read."""
    query = {"jsonpath": text} if language in ("jsonpath", "jmespath", "xpath", "regex") else {"body": True}
    if language in ("jmespath", "xpath", "regex"):
        query = {language: text}
    checks = [
        {**query, "exists": True},
        *([{"jsonpath": "$", "filter": {language: text}, "exists": True}] if language in _FILTERS else []),
        *([{"body": True, "matches": text}] if language == "regex" else []),
        *([{"duration": True, "lt": text}] if language == "duration" else []),
        *(
            [{"jsonpath": "$.since", "filters": [{"to_date": text}, {"date_format": text}], "eq": "x"}]
            * (language == "to_date")
        ),
    ]
    step = {"request": {"url": "/a"}, "expect": {"checks": checks}}
    if language == "template":
        step["request"] |= {"method": "POST", "text": text, "headers": {"X-A": text}, "params": {"a": text}}
        step["vars"] = {"a": text}
    if language == "when":
        step["when"] = text
    if language == "duration":
        step["delay"] = text
    return {"scenario": "s", "service": "api", "vars": {"amount": 3}, "rows": [{"user": "ada"}], "steps": [step]}


_FILTERS = ("jsonpath", "xpath", "regex")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with everything in it that a document may name."""
    folder = tmp_path_factory.mktemp("expressions").resolve()
    readers.prepare(folder)
    return folder


@pytest.mark.parametrize("language", WORDS)
def test_words_put_together_by_chance_are_asked_or_refused(language, workspace):
    words, chance = WORDS[language].split(), random.Random(f"expressions in {language}")
    ends = set()
    for _ in range(INPUTS):
        text = chance.choice(("", " ")).join(chance.choices(words, k=chance.randint(1, MAX_WORDS)))
        content = mutate.as_json(document(language, text))
        try:
            ends.add(readers.attempt("scenario", content, workspace, chance))
        except (Exception, readers.TooSlowError) as defect:  # noqa: BLE001 - that is what is looked for
            pytest.fail(f"{language} {text!r}: {type(defect).__name__}: {defect}")
    assert ends == {"refused", "played"}
