"""The production monitor: plays scenarios on a clock, keeps what they found, tells when one goes down or is back."""
