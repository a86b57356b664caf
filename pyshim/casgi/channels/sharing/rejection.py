"""Why a handler is not shared."""


class Rejected(Exception):
    """The proof stops here: the handler runs for each consumer.

    Attributes:
        reason: why, as the end of a sentence that begins with "it".
        line: the line of the construct, or None: that of the handler.
        path: the file that line is in, or None: that of the handler.

    """

    def __init__(self, reason: str, line: int | None = None, path: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.path = path
