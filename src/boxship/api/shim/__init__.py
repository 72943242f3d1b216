"""containerd's Task API (ttrpc): what the supervisor asks of a shim, and the events it sends back.

task_pb2             requests and responses of containerd.task.v2.Task
events_forward_pb2   containerd.services.events.ttrpc.v1.Events, shim to supervisor
"""
