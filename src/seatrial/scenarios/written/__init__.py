"""A scenario as it stands in the file: shapes, and how each part of them is understood. Private to `read`."""
