"""`seatrial chaos plan|halt|recover|proxy`: what experiments would do, ending and undoing them, the proxy alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.cli.console import say, say_healed, tell, workspace
from seatrial.errors import ExitCode

if TYPE_CHECKING:
    from seatrial.assess.plan import Documents
    from seatrial.chaos.model import Experiment
    from seatrial.chaos.plan import Checked
    from seatrial.realm import Realm


def run_plan(experiment: str | None, realm_name: str | None) -> ExitCode:
    """Print what one experiment would touch, or all; refuses what running it would. Of a realm that is not up it says
    what stays unknown: whether its targets are there."""
    from seatrial.assess.plan import Documents
    from seatrial.chaos.read import choose_experiments
    from seatrial.runtime.read import choose_realm
    from seatrial.runtime.up import is_down

    here = workspace()
    documents = Documents(here)
    realm = choose_realm(documents.realms, realm_name)
    known = documents.experiments
    chosen = choose_experiments(known, (experiment,) if experiment else tuple(known))
    checked = [_checked(documents, item, realm) for item in chosen]
    down = is_down(realm, here)
    for item in checked:
        sights = _sights(here, item, realm, down=down)
        tell(f"{item.experiment.name} (realm {realm.name}; nothing was done)")
        for line in sights:
            tell(f"  {line}")
        if item.experiment.traffic is None:
            tell("  it names no traffic, so only a gate can run it, under its load")
    if not checked:
        say(f"no experiments in {here / 'chaos'}")
    elif down:
        tell(f"realm '{realm.name}' is not up: documents were checked, and no target was looked for; to see them:")
        tell(f"  seatrial up --realm {realm.name}")
    return ExitCode.MET


def _checked(documents: Documents, experiment: Experiment, realm: Realm) -> Checked:
    """The experiment with all its names known; with traffic of its own, held against that as a run would be."""
    from seatrial.assess.plan import Asked, experiment_plan
    from seatrial.chaos.plan import check

    if experiment.traffic is None:
        return check(experiment, realm=realm, services=documents.services)
    return experiment_plan(documents, Asked(realm.name), experiment.name).experiments[0]


def _sights(here: Path, checked: Checked, realm: Realm, *, down: bool) -> tuple[str, ...]:
    """A line for each fault: with its target, where there is a realm to find it in."""
    from seatrial.chaos.plan import plan_experiment, require_able, resolver

    if down:
        require_able(checked, realm=realm)
        return tuple(injection.sight for injection in checked.experiment.method)
    plan = plan_experiment(checked, realm=realm, resolve=resolver(here, realm, holder="plan"))
    return tuple(planned.sight for planned in plan.injections)


def run_halt() -> ExitCode:
    """End every harness that breaks things in the workspace, and undo what any has left."""
    from seatrial.chaos.healing.halt import halt

    halted = halt(workspace(), say=say)
    for item in halted:
        whose = f"{item.holder} in realm '{item.realm}'"
        tell(f"halted: {whose}" if item.ended else f"LEFT: {whose} did not end within its time; look at its terminal")
    if not all(item.ended for item in halted):
        return ExitCode.COULD_NOT_RUN
    if not halted:
        tell("no experiment is running in this workspace")
    return run_recover()


def run_recover() -> ExitCode:
    """Undo what the ledgers of the workspace hold open; say what was done about each, what they cannot tell, and
    where a harness that lives keeps us out."""
    from seatrial.chaos.healing.recover import damaged, recover
    from seatrial.clock import SystemClock

    here = workspace()
    recovered, unread = recover(here, clock=SystemClock()), damaged(here)
    say_healed(here)  # what a watchdog was at was waited for
    for item in recovered.undone:
        entry, end = item.entry, "healed" if item.healed else "LEFT"
        # What a lease has undone is no result: nothing had to be done about it.
        show = tell if item.needed else say
        show(f"{end if item.needed else 'over'}: {entry.kind} on {entry.target} ({entry.realm}): {item.text}")
    for error in (*unread, *recovered.refused):
        say(f"error: {error}")
    if unread:
        return ExitCode.UNREADABLE
    if recovered.refused:
        return ExitCode.COULD_NOT_RUN
    if not any(item.needed for item in recovered.undone):
        tell("nothing to do: no fault is left in this workspace")
    return ExitCode.MET if all(item.healed for item in recovered.undone) else ExitCode.COULD_NOT_RUN


def run_proxy(*, host: str, port: int, config: Path | None, seed: str | None, observe: bool) -> ExitCode:
    """Serve the embedded proxy until Ctrl-C or SIGTERM; its first line on stdout tells where."""
    from seatrial.chaos.proxy.process import LoopKind, Options, run

    options = Options(host=host, port=port, config=config, seed=seed, loop=LoopKind.AUTO, observe=observe)
    return ExitCode(run(options))


def tell_proxy_version() -> ExitCode:
    """Print what `toxiproxy-server -version` prints, for scripts that look at it."""
    from seatrial.chaos.proxy.routes import VERSION

    tell(f"toxiproxy-server version {VERSION} (as seatrial's own proxy answers it)")
    return ExitCode.MET
