"""Where the real servers are that some tests need."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path


@functools.cache
def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False).returncode == 0


@functools.cache
def find_httpbin() -> str | None:
    """A Python that has the package httpbin: HTTPBIN_PYTHON, or this one."""
    named = os.environ.get("HTTPBIN_PYTHON")
    if named:
        return named if Path(named).is_file() else None
    return sys.executable if importlib.util.find_spec("httpbin") else None


def find_node_client() -> str | None:
    """The node_modules that hold toxiproxy-node-client: TOXIPROXY_NODE_CLIENT, where there is a node too."""
    folder = os.environ.get("TOXIPROXY_NODE_CLIENT")
    there = folder and shutil.which("node") and (Path(folder) / "toxiproxy-node-client").is_dir()
    return folder if there else None


def find_opossum() -> str | None:
    """The node_modules that hold opossum: OPOSSUM_NODE_MODULES, where there is a node too."""
    folder = os.environ.get("OPOSSUM_NODE_MODULES")
    there = folder and shutil.which("node") and (Path(folder) / "opossum").is_dir()
    return folder if there else None


def find_server(name: str) -> str | None:
    """A server of the distribution's packages, also where only root's path leads to it."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


def bounded_by_rights() -> list[str]:
    """What a command is begun with so that the rights of files hold for it, also where root begins it."""
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
