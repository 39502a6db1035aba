"""Sea trials for systems of HTTP services: one journey file for the gate, the monitor, the load and the chaos."""

__version__ = "0.1.0"
