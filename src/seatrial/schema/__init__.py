"""JSON Schemas of every kind of document, for editors: they complete and explain keys, and mark what is wrong.

Made from the shapes the readers themselves use, and enriched where these are loose: quantities (`written`), checks,
captures and patterns (`answers`), what must stand together (`rules`), and a sentence for every key (`words`). What a
reader refuses a schema should refuse too, as far as JSON Schema can say it; what a reader takes, a schema takes.
May import the readers of all rooms; must never read a document.
"""

from __future__ import annotations

from seatrial.schema.make import KINDS, combined_schema, schema_of

__all__ = ["KINDS", "combined_schema", "schema_of"]
