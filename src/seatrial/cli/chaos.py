"""`seatrial chaos plan|recover|proxy`: what experiments would do, undoing what is left, the proxy on its own."""

from __future__ import annotations

from pathlib import Path

from seatrial.cli.console import say, tell, workspace
from seatrial.errors import ExitCode


def run_plan(experiment: str | None, realm_name: str | None) -> ExitCode:
    """Print the resolved targets of one experiment, or of all; every file is read and checked before."""
    from seatrial.chaos.plan import check, plan_experiment, resolver
    from seatrial.chaos.read import choose_experiments, read_experiments
    from seatrial.runtime.read import choose_realm, read_realms
    from seatrial.slo.read import read_services

    here = workspace()
    realm = choose_realm(read_realms(here), realm_name)
    known = read_experiments(here / "chaos")
    services = read_services(here / "slo")
    chosen = choose_experiments(known, (experiment,) if experiment else tuple(known))
    checked = [check(item, realm=realm, services=services) for item in chosen]
    resolve = resolver(here, realm, holder="plan")
    for item in checked:
        plan = plan_experiment(item, realm=realm, resolve=resolve)
        tell(f"{item.experiment.name} (realm {realm.name}; nothing was done)")
        for injection in plan.injections:
            tell(f"  {injection.sight}")
    if not checked:
        say(f"no experiments in {here / 'chaos'}")
    return ExitCode.MET


def run_recover() -> ExitCode:
    """Undo what the ledgers of the workspace hold open, and say what was done about each."""
    from seatrial.chaos.inject import recover
    from seatrial.clock import SystemClock

    recovered = recover(workspace(), clock=SystemClock())
    for item in recovered:
        entry = item.entry
        tell(f"{'healed' if item.healed else 'LEFT'}: {entry.kind} on {entry.target} ({entry.realm}): {item.text}")
    if not recovered:
        tell("nothing to do: no fault is left in this workspace")
    return ExitCode.MET if all(item.healed for item in recovered) else ExitCode.COULD_NOT_RUN


def run_proxy(*, host: str, port: int, config: Path | None) -> ExitCode:
    """Serve the embedded proxy until Ctrl-C or SIGTERM; its first line on stdout tells where."""
    from seatrial.chaos.proxy.process import LoopKind, Options, run

    return ExitCode(run(Options(host=host, port=port, config=config, seed=None, loop=LoopKind.AUTO)))
