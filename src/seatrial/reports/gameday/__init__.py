"""The record of a game day: `page` is what it says, `markdown` and `html` lay it out."""
