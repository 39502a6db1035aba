"""`gameday`: a guided day of experiments, from the document to the written record.

`plan` reads, `guide` is the line, `log` keeps what was said and done, `figures` are what is shown live, `record`
makes the page of what was kept. Each experiment is a run of its own, as `chaos run` makes it.
"""
