"""The good documents that bad ones are made of: those of the root folders, the starter, the docs, the tests."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SEEDS = HERE / "seeds"
YAML_FOLDERS = ("scenarios", "chaos", "synthetic", "slo", "src/seatrial/starter", "tests/golden", "tests/fuzz/seeds")
_FENCED = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_KIND = re.compile(rb"\A(?:\s*#[^\n]*\n|\s*\n)*(\w+):")
_KEY = re.compile(rb"\$?\w+(?=:)")
_FOREIGN = "tests/scenarios/imports"


@functools.cache
def documents_by_kind() -> Mapping[str, tuple[bytes, ...]]:
    """The bytes of every YAML document of ours by its kind, which is its first key."""
    found: dict[str, list[bytes]] = {}
    for content in dict.fromkeys((*_files(), *_examples())):
        kind = _KIND.match(content)
        if kind:
            found.setdefault(kind[1].decode(), []).append(content)
    return {kind: tuple(contents) for kind, contents in found.items()}


def first_key(content: bytes) -> str:
    """The kind of a document by its first key."""
    found = _KIND.match(content)
    assert found
    return found[1].decode()


def of(kind: str) -> tuple[bytes, ...]:
    """Those of one kind; there is at least one."""
    return documents_by_kind()[kind]


def files(*patterns: str) -> tuple[bytes, ...]:
    """Those whose path from the root matches, sorted by path; there is at least one."""
    paths = sorted({path for pattern in patterns for path in ROOT.glob(pattern)})
    return tuple(path.read_bytes() for path in paths)


def foreign(pattern: str) -> tuple[bytes, ...]:
    """Samples of other tools' documents."""
    return files(f"{_FOREIGN}/{pattern}")


@functools.cache
def known_keys() -> tuple[str, ...]:
    """Every name that stands before a colon in the seeds, which use every key there is; sorted."""
    seeds = b"\n".join(path.read_bytes() for path in sorted(SEEDS.glob("*.yaml")))
    return tuple(sorted({found.decode() for found in _KEY.findall(seeds)}))


def _files() -> Iterator[bytes]:
    yield (ROOT / "realms.yaml").read_bytes()
    for folder in YAML_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            yield path.read_bytes()


def _examples() -> Iterator[bytes]:
    for page in sorted((*(ROOT / "docs").glob("*.md"), ROOT / "README.md")):
        for example in _FENCED.finditer(page.read_text()):
            yield example[1].encode()
