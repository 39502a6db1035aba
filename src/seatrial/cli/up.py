"""`seatrial up` and `down`: the services of a process realm, and the proxies between them."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.cli.console import say, say_healed, tell, typed_variables, workspace
from seatrial.errors import ExitCode
from seatrial.runtime.read import choose_realm, read_realms
from seatrial.runtime.up import down, up


def run_up(realm_name: str | None, variables: Sequence[str]) -> ExitCode:
    """Start what is not up and print where each service answers; COULD_NOT_RUN while another process breaks things
    there and something is down, which is told."""
    from seatrial.chaos.undoing import wait_undone

    here = workspace()
    realm = choose_realm(read_realms(here), realm_name)
    wait_undone(here, realm.name, say=say)
    say_healed(here)
    raised = up(realm, here, variables=typed_variables(variables), say=say)
    if raised.missing:
        return ExitCode.COULD_NOT_RUN
    tell(f"realm {realm.name} is up" + ("" if raised.started else " (it was already)"))
    for service, address in raised.state.addresses().items():
        tell(f"  {service:<12} {address}")
    return ExitCode.MET


def run_down(realm_name: str | None) -> ExitCode:
    """Stop what `up` started; first of all who undoes faults there is waited for."""
    from seatrial.chaos.undoing import wait_undone

    here = workspace()
    realm = choose_realm(read_realms(here), realm_name)
    wait_undone(here, realm.name, say=say)
    say_healed(here)
    was_up = down(realm, here, say=say)
    tell(f"realm {realm.name} is down" + ("" if was_up else " (it was not up)"))
    return ExitCode.MET
