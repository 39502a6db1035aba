"""Room scenarios: journeys of HTTP requests, read once and played by whoever can send a request.

read -> `Scenario` (model) -> play, a generator without I/O <-> drive. `expand` renders a request, `expect` holds an
answer against what was wanted, `failure` words what went wrong. Must never import chaos or slo.
"""
