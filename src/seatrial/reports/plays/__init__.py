"""Reports of plays, written while they are played: JUnit, TAP, JSON, HAR, HTML, Markdown, curl.

Each format is a `Form`: it gives texts and touches no file; `Writer` keeps them. `formats.FORMATS` lists them. A run
of ten thousand rows needs no more memory than one of ten. May import the floor, `scenarios` and this room.
"""
