"""Importers: what was written for other tools in, scenarios of ours out, with a report of what was not converted.

Each importer is a pure function from texts to an `Imported`. Nothing is ever dropped in silence, no secret lands in a
document, and foreign files are never trusted: sizes, depths and types are bounded and asked for one by one.
"""
