"""`python -m benchmarks.loading FIXTURE [--no-validate]`: load it, and print the seconds."""

import json
import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402

started = time.perf_counter()
call_command("loaddata", *sys.argv[1:], verbosity=0)
print(json.dumps({"seconds": time.perf_counter() - started}))
