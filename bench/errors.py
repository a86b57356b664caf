"""The one exception that ends a measurement, or the whole command, with a readable line."""


class BenchError(Exception):
    """Something needed is missing, or a server or client did not do what the measurement needs."""
