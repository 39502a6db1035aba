"""The room of the objectives: reads what services promise, measures what happened, decides and judges it."""
