"""Whole imports, word for word: the documents on stdout, the report on stderr.

`GOLDEN_UPDATE=1 pytest tests/scenarios/test_import_golden.py` writes the files anew: read the difference first.
"""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema
import pytest

from seatrial import documents
from seatrial.cli.import_ import (
    Output,
    run_import_curl,
    run_import_har,
    run_import_hurl,
    run_import_openapi,
    run_import_postman,
)
from seatrial.errors import ExitCode
from seatrial.schema.make import schema_of

HERE = Path(__file__).parent / "imports"
COLLECTION, ENVIRONMENT = "cards.postman_collection.json", "staging.postman_environment.json"
CASES = {
    "postman": lambda: run_import_postman(COLLECTION, [ENVIRONMENT], Output()),
    "postman-services": lambda: run_import_postman(
        COLLECTION, [ENVIRONMENT], Output(), services=["cards={{base-url}}"], per_folder=True
    ),
    "har": lambda: run_import_har("shop.har", Output()),
    "har-static": lambda: run_import_har(
        "shop.har", Output(), static=True, hosts=["shop.example.com"], services=["shop=https://shop.example.com"]
    ),
    "openapi": lambda: run_import_openapi("petstore.yaml", Output()),
    "hurl": lambda: run_import_hurl(
        ["cards.hurl"], Output(), given={"variable": ["user=ada"], "secret": ["password=hush-hush"]}
    ),
    "curl": lambda: run_import_curl(["lines.sh"], Output()),
}


@pytest.mark.parametrize("case", CASES)
def test_import_is_what_it_was(case, capsys, monkeypatch):
    monkeypatch.chdir(HERE)
    assert CASES[case]() is ExitCode.MET
    told = capsys.readouterr()
    for text, path in ((told.out, HERE / f"golden/{case}.yaml"), (told.err, HERE / f"golden/{case}.txt")):
        if os.environ.get("GOLDEN_UPDATE"):
            path.write_text(text)
        assert text == path.read_text()


@pytest.mark.parametrize("case", CASES)
def test_imported_documents_fit_the_schema_that_editors_know(case):
    fits = jsonschema.Draft202012Validator(schema_of("scenario"))
    for text in (HERE / f"golden/{case}.yaml").read_text().split("---\n"):
        assert list(fits.iter_errors(documents.loads(text, case).content)) == []
