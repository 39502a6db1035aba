"""Findings by their names."""

from __future__ import annotations


def by_name(verdict):
    return {finding.name: finding for finding in verdict.findings}
