"""The runtime room: starts, health-checks, kills and stops the services of a realm, and remembers them.

Takes a `Realm`, gives a `RealmState` (also on disk, `.seatrial/<realm>.json`), which every command reads.
May import the floor and its doors; must never import scenarios, chaos or slo. It starts the embedded
proxy as a program, not as a module.
"""
