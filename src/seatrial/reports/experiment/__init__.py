"""Experiments as reports show them: breakers over time, and figures before, during and after; strains of audits too.

`page` is the words, `chart` places them. May import the floor, `axis` and the words of the room chaos.
"""
