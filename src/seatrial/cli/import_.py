"""`seatrial import`: writes what was made for other tools as scenarios; the report goes to stderr, YAML to stdout.

What an importer gives is read back with the reader of `check` before it is shown or written: if it does not read,
that is our defect, and is said so.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.cli.console import say, tell
from seatrial.errors import CannotRun, DocumentError, ExitCode, UsageError, Where, unwritable

if TYPE_CHECKING:
    from seatrial.scenarios.hurl.options import Given
    from seatrial.scenarios.importers.imported import Imported

STDIN = "-"
_YAML = (".yaml", ".yml")

ReadBack = Callable[[Mapping[str, str], Sequence[str]], None]
"""Reads the texts of documents by their files' names, and the names of files they need; raises where one does not
read."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where the result goes: `target` is a folder or, for a single scenario, a .yaml file; None is stdout."""

    target: Path | None = None
    force: bool = False


def run_import_postman(
    collection: str,
    environments: Sequence[str],
    output: Output,
    *,
    services: Sequence[str] = (),
    folder: str | None = None,
    per_folder: bool = False,
) -> ExitCode:
    """A Postman collection, with its environments."""
    from seatrial.scenarios.importers import postman, targets

    imported = postman.convert(
        postman.Source(text_of(collection), collection),
        [postman.Source(text_of(name), name) for name in environments],
        choice=postman.Choice(folder, per_folder),
        services=targets.read_services(services),
    )
    return finish_import(imported, output)


def run_import_har(
    recording: str,
    output: Output,
    *,
    services: Sequence[str] = (),
    hosts: Sequence[str] = (),
    static: bool = False,
    name: str | None = None,
) -> ExitCode:
    """A HAR recording."""
    from seatrial.scenarios.importers import har, targets

    imported = har.convert(
        text_of(recording),
        recording,
        name=name or _stem(recording),
        choice=har.Choice(frozenset(hosts), static),
        services=targets.read_services(services),
    )
    return finish_import(imported, output)


def run_import_openapi(
    document: str, output: Output, *, services: Sequence[str] = (), tags: Sequence[str] = ()
) -> ExitCode:
    """An OpenAPI document, as JSON or YAML."""
    from seatrial.scenarios.importers import openapi, targets

    known = targets.read_services(services)
    return finish_import(openapi.convert(text_of(document), document, tags=frozenset(tags), services=known), output)


def run_import_curl(
    words: Sequence[str], output: Output, *, services: Sequence[str] = (), name: str | None = None
) -> ExitCode:
    """curl lines: the words of one, several lines, files of lines, or stdin when there is nothing or `-`."""
    from seatrial.scenarios.importers import curl, targets

    text, source, stem = _lines(words)
    known = targets.read_services(services)
    return finish_import(curl.convert(text, source, name=name or stem, services=known), output)


def run_import_hurl(files: Sequence[str], output: Output, *, given: Given) -> ExitCode:
    """Hurl files, a scenario each; `given` are options of Hurl by their names without dashes."""
    from seatrial.scenarios.hurl.entries import read_hurl
    from seatrial.scenarios.hurl.options import parse_options
    from seatrial.scenarios.importers import hurl

    options = parse_options(given)
    imported = hurl.convert([_there(name) for name in files], options)
    try:
        return finish_import(imported, output)
    except CannotRun:
        for name in files:
            read_hurl(Path(name), options)  # tells what is wrong with the file itself, where that is the reason
        raise


def finish_import(imported: Imported, output: Output, *, read_back: ReadBack | None = None) -> ExitCode:
    """Read the result back (as scenarios, unless said otherwise), show or write it, tell the report. UsageError,
    nothing written, where a file is there."""
    from seatrial.scenarios.importers.imported import report_text

    texts = _written(imported)
    (read_back or _read_back)(texts, imported.files)
    if output.target is None:
        tell("---\n".join(texts.values()).rstrip("\n"))
    else:
        _write(texts, output)
    say(report_text(imported))
    return ExitCode.MET


def _written(imported: Imported) -> dict[str, str]:
    from seatrial.documents import MAX_BYTES
    from seatrial.scenarios.importers.writing import dump

    heading = [
        f"imported from {Path(imported.source).name}; the report of `seatrial import` says what is not in here"
    ]
    texts = {name: dump(content, heading) for name, content in imported.documents}
    for name, text in texts.items():
        if len(text.encode()) > MAX_BYTES:
            raise UsageError(f"{name} would be larger than {MAX_BYTES} bytes; import less of it at once: see --help")
    return texts


def _read_back(texts: Mapping[str, str], files: Sequence[str]) -> None:
    """Read what was made as `check` will; files it names are taken to be there."""
    from seatrial.scenarios.read import read_scenario

    with tempfile.TemporaryDirectory(prefix="seatrial-import-") as name:
        folder = Path(name).resolve()
        for file in files:
            _stand_in(folder, file)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
            try:
                read_scenario(folder / file)
            except DocumentError as error:
                raise _defect(error, file) from None


def _stand_in(folder: Path, file: str) -> None:
    """An empty file below the folder; nothing for a name that leads elsewhere."""
    path = (folder / file).resolve()
    if path.is_relative_to(folder) and path != folder and "\0" not in file:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _defect(error: DocumentError, file: str) -> Exception:
    if error.hint.startswith("split"):
        return UsageError(f"{file} would be too large ({error.problem}); import less of it at once: see --help")
    place = f"{file}:{error.where.line}:{error.where.column}"
    return CannotRun(f"the result does not read, which is a defect of seatrial: {place}: {error.problem}")


def _write(texts: Mapping[str, str], output: Output) -> None:
    """All of the documents or none: each is written beside its place first, then all take their places."""
    assert output.target is not None
    paths = _paths(texts, output.target, force=output.force)
    drafts = {path: _draft(path) for path in paths}
    try:
        for path, draft in drafts.items():
            _written_to(draft, paths[path], path)
        for path, draft in drafts.items():
            _moved(draft, path)
    finally:
        for draft in drafts.values():
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    for path in paths:
        tell(f"  {path}")


def _draft(path: Path) -> Path:
    """A file beside that one, or beside what a link there leads to."""
    place = Path(os.path.realpath(path))
    return place.with_name(f".{place.name[:80]}.{secrets.token_hex(4)}.draft")


def _written_to(draft: Path, text: str, path: Path) -> None:
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from None


def _moved(draft: Path, path: Path) -> None:
    """Into the place of that path; what a link there leads to is replaced, not the link."""
    try:
        draft.replace(os.path.realpath(path))
    except OSError as error:
        raise unwritable(path, error) from None


def _paths(texts: Mapping[str, str], target: Path, *, force: bool) -> dict[Path, str]:
    """Where each document goes; UsageError when one is there already."""
    if target.suffix in _YAML and len(texts) > 1:
        raise UsageError(f"{target} is one file, and there are {len(texts)} documents; name a folder")
    paths = {target if target.suffix in _YAML else target / name: text for name, text in texts.items()}
    taken = [path for path in paths if path.exists()]
    if taken and not force:
        raise UsageError(f"{taken[0]} is already there, nothing was written; --force overwrites it")
    folder = next((path for path in taken if path.is_dir()), None)
    if folder:
        raise UsageError(f"{folder} is a folder, nothing was written; name a file, or a folder without it")
    return paths


def _lines(words: Sequence[str]) -> tuple[str, str, str]:
    """The text of curl lines, what to call where it is from, and a name where that gives one."""
    if not words or list(words) == [STDIN]:
        return _stdin(), "stdin", ""
    if all(_is_file(word) for word in words):
        return "\n".join(map(text_of, words)), ", ".join(words), _stem(words[0])
    one = len(words) > 1 and words[0].rpartition("/")[2] == "curl"
    return shlex.join(words) if one else "\n".join(words), "the command line", ""


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False


def _stem(name: str) -> str:
    return "imported" if name == STDIN else Path(name).name.partition(".")[0] or "imported"


def _there(name: str) -> Path:
    if not _is_file(name):
        raise UsageError(f"{name}: no such file")
    return Path(name)


def text_of(name: str) -> str:
    """The text of a file, `-` for stdin; UsageError when there is none, DocumentError when it is no text."""
    from seatrial.scenarios.importers.foreign import MAX_BYTES

    if name == STDIN:
        return _stdin()
    path, start = _there(name), Where(name, 1, 1)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(start, f"the file is larger than {MAX_BYTES >> 20} MiB", "export less of it")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(start, f"not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except OSError as error:
        raise DocumentError(start, f"cannot be read: {error.strerror}", "check its rights") from None


def _stdin() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise DocumentError(
            Where("stdin", 1, 1), f"not UTF-8 text (byte {error.start})", "save it as UTF-8"
        ) from None
