"""The port to an OCI runtime: library.py is ours, program.py any other."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from boxship.shim.loop import Steps
    from boxship.shim.stdio import Stdio

    class Runtime(Protocol):
        """Verbs of an OCI runtime on one container; each is a handler that waits."""

        def create(self, bundle: str, stdio: Stdio) -> Steps:
            """Make the container; its pid."""
            ...

        def start(self) -> Steps:
            """Execute the program."""
            ...

        def execute(self, name: str, process: dict[str, Any], stdio: Stdio) -> Steps:
            """Run another process in it; its pid."""
            ...

        def kill_all(self, number: int) -> Steps:
            """Signal every process."""
            ...

        def delete(self, *, ended: bool) -> Steps:
            """Remove what is left, by force; `ended`: no process of it lives."""
            ...

        def pause(self) -> Steps:
            """Freeze."""
            ...

        def resume(self) -> Steps:
            """Thaw."""
            ...

        def update(self, resources: dict[str, Any]) -> Steps:
            """Change limits."""
            ...


class Place:
    """Which container, and where its runtime keeps its state."""

    __slots__ = ("bundle", "id", "root")

    def __init__(self, container_id: str, bundle: str, root: str) -> None:
        """As given to the runtime."""
        self.id = container_id
        self.bundle = bundle
        self.root = root


def default_root(bundle: str, namespace: str, name: str) -> str:
    """<state>/runtime/<namespace>/<name>, for a bundle at <state>/<plugin>/<namespace>/<id>."""
    state = bundle.rstrip("/").rsplit("/", 3)[0]
    return f"{state}/runtime/{namespace}/{name}"
