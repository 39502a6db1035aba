"""The recorder of one run: every record goes to the journal whole, and into the fold as far as judging asks of it.

The load's reader, the acceptance stage and the experiments write from several threads; the live view and the
decision to stop read. One lock, held only while adding.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from seatrial.journal import Journal
from seatrial.sample import Record
from seatrial.slo.measure import Measures, Meter, Question


class Recorder:
    """Writes records and knows what they amount to so far; `questions` are all that its measures will be asked."""

    def __init__(self, journal: Journal, questions: Iterable[Question]) -> None:
        self._journal = journal
        self._meter = Meter(questions)
        self._measures: Measures | None = None
        self._lock = threading.Lock()

    def write(self, *records: Record) -> None:
        """Keep records: first on disk, then in the measures."""
        self._journal.write(*records)
        with self._lock:
            for record in records:
                self._meter.add(record)
                self._measures = None

    def measures(self) -> Measures:
        """What was measured up to now; the same again while nothing was written, for a copy of a day's load takes
        50 ms, and a hold looks four times a second."""
        with self._lock:
            if self._measures is None:
                self._measures = self._meter.measures()
            return self._measures
