"""The shim: parent of one container's processes, and keeper of their stdio and exit status.

Read task.py first, then server.py.  One thread, one epoll loop, no asyncio: a shim is a fork of the
zygote and stays under 2.5 MiB.

task      the container as the Task API sees it: its init process and its execs
process   one of these: a state, a pid, an exit status, its stdio
source    where output comes from: a pipe or a terminal
sink      where it goes: log, FIFO, clients
runtime   what makes and kills processes: our library in a forked child, or an OCI program
job       something that ends later; a handler that waits for one is a generator that yields it
"""
