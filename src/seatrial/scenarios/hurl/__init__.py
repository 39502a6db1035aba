"""Plays files of Hurl 8 (https://hurl.dev) as they are: a `.hurl` file in, a `Scenario` out.

Room scenarios. `cursor`, `texts`, `bodies`, `asserts`, `option_lines` and `parse` read the grammar into `syntax`;
`values`, `requests`, `answers` and `entries` make of it what `play` plays; `options` are those of the command line;
`document` writes it as a scenario of ours. What httpx cannot do is refused by its name and place, never passed over.
"""
