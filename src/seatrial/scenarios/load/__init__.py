"""Load: plays journeys in bulk, paced by a profile, in a child process of its own, and counts what comes back.

profile -> pace -> child (Locust) -> recorder -> journal lines -> parent. Files named `child*` run in the child alone
and are the only ones that may import locust, gevent or geventhttpclient; the child's first import is locust.
"""
