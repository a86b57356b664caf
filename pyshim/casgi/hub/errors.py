"""What is raised when the hub cannot do what it is asked for."""


class HubUnavailable(ConnectionError):
    """The hub is absent, silent or full: who sent something has to know that it went nowhere.

    Attributes:
        path: where the hub was looked for.
        reason: what was found there.

    """

    def __init__(self, path: str, reason: str) -> None:
        """Name the path and the cause."""
        super().__init__(f"The hub at {path} is unavailable: {reason}")
        self.path = path
        self.reason = reason
