"""A watch under a fake clock, played inline."""

from concurrent.futures import Executor, Future

from seatrial.redact import Secrets
from seatrial.store.results import Store
from seatrial.synthetic.model import PlayOutcome, Subject
from seatrial.synthetic.schedule import Plan
from seatrial.synthetic.watch import Means, Watch, Watched

GOOD = PlayOutcome(passed=True, latency_s=0.2, trace_id="a" * 32)
PAY = "pay with a card"


class Inline(Executor):
    """Runs what it is given at once."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # as a thread pool does
            future.set_exception(error)
        return future


class Bench:
    """A watch on a fake clock, played by hand: `slots(n)` passes n slots, `script` is what the plays find."""

    def __init__(self, tmp_path, clock, monitor, *, posts=None, players=None, open_for_s=0.0):
        self.clock, self.monitor, self.script = clock, monitor, []
        self.posts, self.players, self.open_for_s = posts or {}, players or Inline(), open_for_s
        self.secrets, self.lines = Secrets(), []
        self._path = tmp_path / "history.db"
        self.store = None
        self.restart()

    def restart(self):
        if self.store:
            self.store.close()
        self.store = Store(self._path)
        watched = Watched(
            "prod", (self.monitor,), {PAY: Subject("cards", "https://runbooks.example/cards")}, self.posts
        )
        self.watch = Watch(
            watched,
            Means(self.store, self._play_once, self.clock, self.secrets, self.lines.append),
            players=self.players,
            postmen=Inline(),
            open_for_s=self.open_for_s,
        )
        self.plan = Plan([self.monitor], clock=self.clock, enqueue=self.watch.events.put)

    def _play_once(self, scenario, deadline_s):
        outcome = self.script.pop(0) if self.script else GOOD
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def slots(self, count):
        for _ in range(count):
            self.plan.tick()
            self.settle()
            self.clock.advance(30.0)

    def settle(self):
        self.watch.step(0.0)
        while not self.watch.events.empty():
            self.watch.step(0.0)

    def results(self):
        return self.store.results("prod", monitor="payments")

    def outcomes(self):
        return [result.outcome for result in self.results()]
