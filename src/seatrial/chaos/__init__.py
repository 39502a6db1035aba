"""The chaos room: experiments that break something on purpose, and put it back.

Takes `experiment:` documents and a realm that is up; gives fault windows and findings about the mechanisms.
May import the floor, its doors and `runtime`; must never import scenarios or slo: traffic and judgement come
in as callables. This file stays empty: the proxy's process imports it and must start fast.
"""
