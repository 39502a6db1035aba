"""The audit: which resilience defects a system has, found without an experiment written for it.

Takes service documents and what the proxies saw while each edge was strained; gives findings, one for each cause.
Everything right of the journal is pure. Knows no system: no route, port, library or language. May import what
`chaos` may; must never send anything, nor import scenarios or slo.
"""
