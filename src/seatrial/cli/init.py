"""`seatrial init`: copies the starter, a minimal working project, into a folder; never overwrites a file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from seatrial.cli.console import tell
from seatrial.errors import ExitCode, UsageError, unwritable

KEPT = frozenset({"README.md", ".gitignore"})


def run_init(folder: Path) -> ExitCode:
    """Write the starter's files below `folder`; UsageError when one of them is already there.

    A README or .gitignore that is there stays as it is.
    """
    starter = dict(_files(resources.files("seatrial") / "starter", PurePosixPath()))
    files = {name: source for name, source in starter.items() if name not in KEPT or not (folder / name).exists()}
    taken = [str(folder / name) for name in files if (folder / name).exists()]
    if taken:
        raise UsageError(f"{taken[0]} is already there; nothing was written")
    for name, source in files.items():
        target = folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        except OSError as error:
            raise unwritable(target, error) from None
        tell(f"  {target}")
    tell("a project is there; try it:" + (f" cd {folder} &&" if folder != Path() else "") + " seatrial demo run")
    return ExitCode.MET


def _files(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[str, Traversable]]:
    """Every file of the starter by its name in the project, in a fixed order."""
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        inner = path / item.name
        if item.is_dir() and item.name != "__pycache__":
            yield from _files(item, inner)
        elif item.name.endswith((".yaml", ".md", ".csv", ".py")):
            yield str(inner), item
        elif item.name == "gitignore":
            yield str(path / ".gitignore"), item
