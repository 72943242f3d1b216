"""The containerd role: containers, their tasks, and the shim that serves each.  Read main.py first.

namespace   containerd's: a set of containers that one client sees
container   a record: id, runtime, OCI spec.  Nothing runs by it
task        a container that was created: init process, added processes (execs), one shim
bundle      the directory of a task below `state`: config.json and what finds the shim again
shim        the process that serves a task: ours, forked by the zygote, or any containerd shim
zygote      `boxship shim --zygote`: asked for shims, and to clean up after one that died
exchange    where events come in and subscribers take them out

services/   the gRPC services, one per file, thin over the nouns above
shims/      how a shim is found, started, reached again and cleaned up after
"""
