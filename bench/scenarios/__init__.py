"""What can be measured, one module for each command."""

from bench.scenarios.echo import Echo
from bench.scenarios.hello import Hello
from bench.scenarios.idle import Idle
from bench.scenarios.memory import Memory
from bench.scenarios.scenario import Metric, Scenario

SCENARIOS: tuple[type[Scenario], ...] = (Hello, Echo, Idle, Memory)

__all__ = ["SCENARIOS", "Metric", "Scenario"]
