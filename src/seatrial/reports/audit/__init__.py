"""The page of an audit: what was found, the matrix of edges and faults, and the evidence behind each of its cells.

`page` is the words, `build` puts them together, `html` lays them out.
"""
