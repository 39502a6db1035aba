"""The recorder of one run: every record goes to the journal and into the fold at once.

The load's reader, the acceptance stage and the experiments write from several threads; the live view and the
decision to stop read. One lock, held only while adding.
"""

from __future__ import annotations

import threading

from seatrial.journal import Journal
from seatrial.sample import Record
from seatrial.slo.measure import Measures, Meter


class Recorder:
    """Writes records and knows what they amount to so far."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._meter = Meter()
        self._lock = threading.Lock()

    def write(self, *records: Record) -> None:
        """Keep records: first on disk, then in the measures."""
        self._journal.write(*records)
        with self._lock:
            for record in records:
                self._meter.add(record)

    def measures(self) -> Measures:
        """What was measured up to now."""
        with self._lock:
            return self._meter.measures()
