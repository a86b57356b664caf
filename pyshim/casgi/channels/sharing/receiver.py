"""What a function takes first: how it stands in its class."""

from enum import Enum
from types import FunctionType


class Receiver(Enum):
    """What a function takes as its first argument."""

    CONSUMER = "the consumer"
    CLASS = "classmethod"
    NONE = "staticmethod"
    NO_CLASS = "a function of a module"


Callee = tuple[FunctionType, Receiver]
