"""An audit as it is run: alone by `chaos audit`, or as a part of an assessment.

    plan       what it comprises
    stage      its traffic, then `strains` one after the other, with their `looks` and a `crowd`
    audited    what its journal comes to, by the signatures as they are now
    files      `audit.json`, page, JUnit; `findings` are what a verdict takes of it

`run` is the line of an audit alone. What signatures and causes are is `chaos.audit`'s to know.
"""
