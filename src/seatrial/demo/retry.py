"""When a failed call may be sent again, and after what pause.

A retry budget keeps retries from multiplying load when everything fails: every call pays in a tenth of a
retry, every retry takes a whole one, and only a few can be saved up.
"""

import random

RETRIES_PER_CALL = 0.1
MOST_SAVED = 3.0
PAUSE_S = 0.020


class RetryBudget:
    """Retries an edge may still spend: 10 % of its calls, and at most `MOST_SAVED` at once."""

    def __init__(self) -> None:
        self._left = MOST_SAVED

    def earn(self) -> None:
        """Pay in for one call."""
        self._left = min(MOST_SAVED, self._left + RETRIES_PER_CALL)

    def spend(self) -> bool:
        """Take one retry if there is one; tells whether there was."""
        # The tenths are added up as floats, so a whole one may be a hair short.
        if self._left < 1.0 - 1e-9:
            return False
        self._left -= 1.0
        return True


def pause_s(attempt: int) -> float:
    """Seconds before retry number ``attempt`` (from 1); doubles each time.

    Half of it is drawn, so that callers do not come back in step, and half is fixed, so that there is
    always a pause ("equal jitter": https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    longest_s: float = PAUSE_S * 2**attempt
    return longest_s / 2 + random.uniform(0.0, longest_s / 2)
