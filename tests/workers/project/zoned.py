"""An application with a zone of its own, as Django gives a process that of TIME_ZONE."""

import os
import time

from kept import tell_process

os.environ["TZ"] = "Asia/Kathmandu"
time.tzset()

application = tell_process
