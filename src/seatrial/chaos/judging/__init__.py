"""Whether what was expected of an experiment came true: a module for each mechanism. Private to `verify`.

Takes calls seen at the proxies and when faults acted; gives findings with a sentence of reason. Pure. Knows what an
experiment expects, and `seen`; must never inject anything nor read a journal.
"""
