"""The watchdog: a process of its own that undoes what is on when the harness dies.

`start` is the harness's side, `watch` what the process does. It undoes by the run's ledger alone, as `recover` does,
and never while the harness that it watches is there. May import nothing of other rooms.
"""
