"""What the proxies saw, and what it tells of itself, whatever was expected.

`observe` takes the calls in; the rest is pure: `traffic` ties them together, `breaker` and `states` tell what a
breaker did, `parts` counts. May import only the floor; must never judge.
"""
