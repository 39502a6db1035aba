"""The assess room: wires the others for one run. Everything it does is one of these, in this order:

    plan        reads every document before anything is sent
    preflight   every service of the realm is ready, the generator has room
    stage       acceptance, then load until decided, then the experiments, each recorded as it happens
    conclude    journal -> measures -> findings -> verdict; pure, so `judge RUN` can redo it
    publish     verdict.json, report.html, junit.xml

The only room that knows all the others; it may import every room but `cli` and `web`, and prints nothing.
"""
