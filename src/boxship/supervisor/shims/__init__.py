"""Shims: the processes that serve tasks.  Read shim.py first.

own       forked by the zygote on a socket that the supervisor bound
foreign   a containerd shim v2 program, started as containerd starts it
"""
