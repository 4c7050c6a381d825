"""Puts the clock of a Python process CLOCK_SHIFT seconds off, where libfaketime isn't installed."""

import os
import time

now, local, shift = time.time, time.localtime, int(os.environ["CLOCK_SHIFT"])
time.time = lambda: now() + shift
time.localtime = lambda seconds=None: local(time.time() if seconds is None else seconds)
