"""The OCI runtime: namespaces, cgroups, mounts, then gone.  Read create.py first, then init.py.

bundle     a directory with config.json and, mostly, the root file system
spec       config.json, checked once (spec.py), then trusted
operation  one change of the world that can describe itself; its description is its error message
plan       the operations in their order, made before the first is carried out
stage      what the operations of one init share: the descriptors of the old and the new root
init       the first process of a container, from its birth by clone(2) to execve(2)
state      <root>/<id>/state.json: what a later command knows of a container
"""
