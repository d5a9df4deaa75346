"""`python -m benchmarks.loading COMMAND …`: run `loaddata` or `dumpdata`; print the seconds.

`cpu` has those of the processor, which other programs on the machine disturb less.
"""

import json
import sys
import time

import django

django.setup()

from django.core.management import call_command  # noqa: E402

started, used = time.perf_counter(), time.process_time()
call_command(*sys.argv[1:], verbosity=0)
print(json.dumps({"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}))
