"""The commands: one function each, one module each; the only room that prints or exits.

Takes words from a terminal, calls the rooms below, shows what they give. Modules are imported when their
command is called, so that `seatrial --help` and `check` start fast.
"""
