"""Answers of two realms compared field by field, with the noise of one of them taken off.

    answer    what is compared of an answer: status, headers, content
    compare   two answers -> every difference, by the path of the field and its kind
    tally     many plays -> in which of them a field differed, between the realms and by itself
    judge     a tally -> which fields differ, which may, and what is noise

Pure. May import the floor; must never send, read a file or know a scenario.
"""
