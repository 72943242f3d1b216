"""grpc.health.v1: clients ask it before anything else."""

from boxship.api.containerd import health_pb2 as api
from boxship.supervisor.grpc import Call, Service


class Health(Service):
    """Check."""

    descriptor = api.DESCRIPTOR.services_by_name["Health"]

    async def Check(self, _: Call, request: api.HealthCheckRequest) -> api.HealthCheckResponse:
        """Whoever can answer serves."""
        return api.HealthCheckResponse(status=api.HealthCheckResponse.SERVING)
