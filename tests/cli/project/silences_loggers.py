"""Configures logging as many Django projects do: every logger made before is disabled."""

import logging.config

from served import hello as application  # noqa: F401

logging.config.dictConfig({"version": 1})
