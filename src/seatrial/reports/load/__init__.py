"""Files of a load's records for other programs: HdrHistogram logs, CSV, Prometheus' text format.

Each takes a second's records after the other, live or from a journal, and gives text; `files` alone writes.
"""
