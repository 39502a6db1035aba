"""The engine that runs the containers of a docker realm: finds and looks at them, signals, pauses, (re)starts them.

Takes what `containers` says is looked for, gives `Container`s. Only the engine of this machine, by its socket; every
call has a deadline, and every exception of the SDK leaves as one of ours. With `chaos/faults/docker.py` the only
place that may import the docker SDK, and only inside functions: it takes long. Must never create or remove anything.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial import http
from seatrial.errors import FaultFailed, Refused, ToolMissing
from seatrial.exchange import Broken
from seatrial.realm import Realm
from seatrial.runtime.containers import Attachment, Container, Selector, Share, Status, choose, choose_all, selector

if TYPE_CHECKING:
    from docker import APIClient

DEFAULT_ENGINE = "unix:///var/run/docker.sock"
RESTART_GRACE_S = 10
CALL_TIMEOUT_S = 15  # the engine itself waits up to 10 s for a killed container to end
HEALTH_TIMEOUT_S = 2.0
HEALTHY = "healthy"  # in the engine's words
LOG_TAIL_LINES = 8
_POLL_S = 0.05
# Beside the SDK's own: every exception of requests is an OSError, the last three are an answer of another shape.
_FOREIGN = (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError)
_SHARE = {
    "quota_us": "CpuQuota",
    "period_us": "CpuPeriod",
    "nano": "NanoCpus",
    "memory_bytes": "Memory",
    "swap_bytes": "MemorySwap",
}
_SCHEMES = ("unix://", "http+unix://")


def find_container(realm: Realm, service: str) -> tuple[Engine, Container]:
    """The container that is a service of a realm now, and the engine that runs it.

    Refused for a selector that could mean anybody's, and for an engine elsewhere; CannotRun when there is not exactly
    one; ToolMissing when no engine answers.
    """
    wanted = selector(realm, service)
    engine = local_engine(os.environ)
    return engine, choose(wanted, engine.find(wanted))


def find_replicas(realm: Realm, service: str) -> tuple[Engine, tuple[Container, ...]]:
    """Every container that is a service of a realm now, by name, and the engine that runs them; errors as above, but
    for several."""
    wanted = selector(realm, service)
    engine = local_engine(os.environ)
    return engine, choose_all(wanted, engine.find(wanted))


def local_engine(environ: Mapping[str, str]) -> Engine:
    """The engine of this machine, as DOCKER_HOST says; Refused when that names another machine's."""
    url = environ.get("DOCKER_HOST", "").strip() or DEFAULT_ENGINE
    if not url.startswith(_SCHEMES):
        raise Refused(
            f"DOCKER_HOST: '{url}' is no socket of this machine, and containers elsewhere are not broken from here; "
            f"unset it, or set it to one, as {DEFAULT_ENGINE}"
        )
    return Engine(url)


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine at the address of its socket. Each method is one call, or a few; nothing is kept open.

    ToolMissing when nobody answers there, FaultFailed with the engine's own words when it will not do something.
    """

    url: str
    timeout_s: int = CALL_TIMEOUT_S

    def find(self, wanted: Selector) -> tuple[Container, ...]:
        """Every container, in whatever state, that has the name, or else the labels, that are looked for."""
        labels = [f"{key}={value}" for key, value in wanted.labels.items()]
        named = {"name": f"^/{wanted.name}$"} if wanted.name else {"label": labels}
        with self._calling("list its containers") as client:
            listed = [item["Id"] for item in client.containers(all=True, filters=named)]
        found = map(self.look, listed)
        return tuple(container for container in found if container)

    def look(self, container_id: str) -> Container | None:
        """How a container is now; None when it is gone."""
        from docker.errors import NotFound

        with self._calling(f"show container {container_id}") as client:
            try:
                return _container(client.inspect_container(container_id))
            except NotFound:
                return None

    def send_signal(self, container_id: str, signal: str) -> None:
        """Signal the first process of a container; `signal` as KILL or TERM."""
        with self._calling(f"send {signal} to container {container_id}") as client:
            client.kill(container_id, signal=f"SIG{signal}")

    def pause(self, container_id: str) -> None:
        """Freeze every process of a running container."""
        with self._calling(f"pause container {container_id}") as client:
            client.pause(container_id)

    def unpause(self, container_id: str) -> None:
        """Let the processes of a paused container go on."""
        with self._calling(f"unpause container {container_id}") as client:
            client.unpause(container_id)

    def start(self, container_id: str) -> None:
        """Start a container that ended, as it was created; one that runs does not mind."""
        with self._calling(f"start container {container_id}") as client:
            client.start(container_id)

    def restart(self, container_id: str) -> None:
        """End a container by TERM, by KILL after RESTART_GRACE_S, and start it as it was created."""
        with self._calling(f"restart container {container_id}") as client:
            client.restart(container_id, timeout=RESTART_GRACE_S)  # the SDK waits as much longer

    def disconnect(self, container_id: str, network_id: str) -> None:
        """Take a container off a network."""
        with self._calling(f"disconnect container {container_id} from network {network_id}") as client:
            client.disconnect_container_from_network(container_id, network_id)

    def connect(
        self, container_id: str, network_id: str, *, aliases: tuple[str, ...], addresses: tuple[str, str]
    ) -> None:
        """Put a container on a network, at those addresses (IPv4, IPv6); the engine chooses where one is empty."""
        ipv4, ipv6 = (address or None for address in addresses)
        with self._calling(f"connect container {container_id} to network {network_id}") as client:
            client.connect_container_to_network(
                container_id, network_id, ipv4_address=ipv4, ipv6_address=ipv6, aliases=list(aliases) or None
            )

    def limit(self, container_id: str, share: Share) -> None:
        """Give a container another share of the machine; what is 0 stays as it is."""
        from docker.errors import APIError

        content = {key: getattr(share, name) for name, key in _SHARE.items() if getattr(share, name)}
        with self._calling(f"limit container {container_id}") as client:
            # The SDK's own call knows no NanoCpus.
            url = f"{client.base_url}/v{client.api_version}/containers/{container_id}/update"
            answer = client.post(url, json=content, timeout=self.timeout_s)
            if answer.status_code >= 400:
                raise APIError(answer.reason, explanation=answer.json().get("message"))

    def log_tail(self, container_id: str) -> str:
        """The last lines a container wrote, indented, for an error message."""
        from docker.errors import NotFound

        with self._calling(f"read the log of container {container_id}") as client:
            try:
                lines = client.logs(container_id, tail=LOG_TAIL_LINES).decode(errors="replace").splitlines()
            except NotFound:
                return "  (no log)"
        return "\n".join(f"  {line}" for line in lines) or "  (its log is empty)"

    def wait_until(self, container_id: str, claim: Callable[[Container | None], bool], *, deadline_s: float) -> bool:
        """Look again and again until the claim holds; False when it does not at the deadline."""
        end = time.monotonic() + deadline_s
        while not claim(self.look(container_id)):
            if time.monotonic() > end:
                return False
            time.sleep(_POLL_S)
        return True

    def wait_healthy(self, container_id: str, health_url: str, *, deadline_s: float) -> None:
        """Wait until it runs and answers at its address, or where that is empty its own health check says so;
        FaultFailed with the end of its log when it does not."""
        end = time.monotonic() + deadline_s
        while reason := _unhealthy(self.look(container_id), health_url):
            if time.monotonic() > end:
                raise FaultFailed(
                    f"container {container_id} was not healthy within {deadline_s:g} s: {reason}; "
                    f"the end of its log:\n{self.log_tail(container_id)}"
                )
            time.sleep(_POLL_S)

    @contextlib.contextmanager
    def _calling(self, what: str) -> Iterator[APIClient]:
        """A client for a call that does `what`; everything the SDK and requests raise becomes ours."""
        from docker.errors import APIError, DockerException

        with contextlib.closing(self._connect()) as client:
            try:
                yield client
            except APIError as error:
                raise FaultFailed(f"{self.url}: the engine will not {what}: {error.explanation or error}") from None
            except (DockerException, *_FOREIGN) as error:
                raise FaultFailed(f"{self.url}: the engine did not {what}: {_reason(error)}") from None

    def _connect(self) -> APIClient:
        from docker import APIClient
        from docker.errors import DockerException

        try:
            # The SDK leaves its socket open when nobody listens, so that is found out before.
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(self.timeout_s)
                probe.connect(_socket_path(self.url))
            return APIClient(base_url=self.url, version="auto", timeout=self.timeout_s)
        except (DockerException, *_FOREIGN) as error:
            raise ToolMissing(
                f"no Docker engine answers at {self.url}: {_reason(error)}; start it (`docker info` shows whether it "
                "runs), or set DOCKER_HOST to its socket"
            ) from None


def _socket_path(url: str) -> str:
    return f"/{url.partition('://')[2].lstrip('/')}"


def _container(inspected: Mapping[str, Any]) -> Container:
    """From the engine's own words: https://docs.docker.com/reference/api/engine/version/v1.41/#operation/ContainerInspect"""
    host = inspected["HostConfig"]
    bound = host.get("PortBindings") or {}
    loose = [port for port, places in bound.items() if any(place["HostPort"] in ("", "0") for place in places or ())]
    fixed = [place for port, places in bound.items() if port not in loose for place in places or ()]
    return Container(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        status=Status(inspected["State"]["Status"]),
        started_at=inspected["State"]["StartedAt"],
        labels=inspected["Config"]["Labels"] or {},
        removed_at_end=bool(host.get("AutoRemove")),
        loose_ports=("all",) if host.get("PublishAllPorts") else tuple(loose),
        networks={
            name: _attachment(inspected["Id"], endpoint)
            for name, endpoint in (inspected.get("NetworkSettings", {}).get("Networks") or {}).items()
        },
        health=(inspected["State"].get("Health") or {}).get("Status", ""),
        published=tuple(map(_reached_at, fixed)),
        share=Share(**{name: host.get(key) or 0 for name, key in _SHARE.items()}),
    )


def _reached_at(binding: Mapping[str, str]) -> str:
    """Where this machine reaches a published port; one that is published everywhere on its loopback too."""
    host = ipaddress.ip_address(binding.get("HostIp") or "127.0.0.1")
    if host.is_unspecified:
        host = ipaddress.ip_address("127.0.0.1" if host.version == 4 else "::1")
    return f"{host if host.version == 4 else f'[{host}]'}:{binding['HostPort']}"


def _attachment(container_id: str, endpoint: Mapping[str, Any]) -> Attachment:
    """The short id among the aliases is the engine's own, which it gives again by itself."""
    given = endpoint.get("IPAMConfig") or {}
    return Attachment(
        network_id=endpoint["NetworkID"],
        aliases=tuple(alias for alias in endpoint.get("Aliases") or () if not container_id.startswith(alias)),
        address=given.get("IPv4Address") or endpoint.get("IPAddress") or "",
        address6=given.get("IPv6Address") or "",
        fixed=bool(given),
        special=bool(endpoint.get("Links") or endpoint.get("DriverOpts")),
    )


def _unhealthy(container: Container | None, health_url: str) -> str:
    """Why it is not healthy; empty when it is."""
    if container is None:
        return "it is gone"
    if container.status is not Status.RUNNING:
        return f"it is {container.status}"
    if not health_url:
        return "" if container.health == HEALTHY else f"its health check says {container.health or 'nothing'}"
    answer = http.get(health_url, timeout_s=HEALTH_TIMEOUT_S)
    if isinstance(answer, Broken):
        return f"{health_url}: {answer.detail or answer.cause}"
    return f"{health_url} answers {answer.status}" if answer.status >= 400 else ""


def _reason(error: BaseException) -> str:
    """What the system said, beneath what three libraries made of it."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        found = found.__cause__ or found.__context__
    return str(error)
