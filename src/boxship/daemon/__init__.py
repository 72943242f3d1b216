"""The daemon: the engine and its HTTP routes.  Read build.py first, then engine.py and start.py.

engine     the object that the routes (and programs that embed us) call; thin over the verbs
verb       one file for each thing to do to a container: create, start, stop, remove, exec ...
parts      what the verbs work with: records, images, layers, networks, tasks, events
record     what is known of a container, kept in SQLite; every move is stored, then published
task       a running container as the supervisor (containerd's API) knows it
work       the queue of one container: verbs that change it go one after another, reads never wait
"""
