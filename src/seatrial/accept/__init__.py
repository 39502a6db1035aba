"""Plays journeys for acceptance: what `check`, the pytest plugin and an assessment share.

Takes what a user named; gives what was read and permitted (`prepare`), and then one `Played` after the other, by one
worker or several (`pool`). May import the floor, `runtime` and `scenarios`; must never print, write or judge.
"""
