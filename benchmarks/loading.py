"""`python -m benchmarks.loading COMMAND …`: run `loaddata` or `dumpdata`; print the seconds.

`cpu` has those of the processor, which other programs on the machine disturb less. The command
`parser FILE` reads a file without doing anything with what is in it.
"""

import json
import sys
import time
from collections import deque
from pathlib import Path
from xml.parsers.expat import ParserCreate

import django
import yaml

django.setup()

from django.core.management import call_command  # noqa: E402


def parse(path):
    kind = Path(path).suffix
    if kind == ".yaml":
        with open(path) as file:
            deque(iter(yaml.CSafeLoader(file).get_event, None), 0)
    elif kind == ".xml":
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = lambda _name, _attributes: None
        parser.EndElementHandler = parser.CharacterDataHandler = lambda _text: None
        with open(path, "rb") as file:
            parser.ParseFile(file)
    else:
        from backoffice.fixtures.reading import read

        with open(path, "rb") as file:
            deque(read(file, kind[1:]), 0)


started, used = time.perf_counter(), time.process_time()
if sys.argv[1] == "parser":
    parse(sys.argv[2])
else:
    call_command(*sys.argv[1:], verbosity=0)
print(json.dumps({"seconds": time.perf_counter() - started, "cpu": time.process_time() - used}))
