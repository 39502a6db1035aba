"""Reports of `seatrial diff`: one page, laid out as JSON, Markdown or HTML.

Room reports. `page` is what a comparison came to, every text of it redacted; each form takes one.
"""
