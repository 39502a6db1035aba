"""An experiment as it stands in the file: shapes, and how each part of them is understood. Private to `read`.

The shapes are what `schema` describes to editors, too.
"""
