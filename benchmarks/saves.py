"""`python -m benchmarks.saves`: be another user, who saves a library every 50 ms.

Prints "ready" after the first save. When stdin closes, prints the number of saves, how many
failed, and how long the longest took.
"""

import json
import sys
import threading
import time

import django

EVERY = 0.05  # seconds


def main():
    django.setup()
    from django.db import OperationalError

    from library.models import Library

    library = Library(
        name="Another user's",
        address="1 Main Street",
        state="NY",
        phone_number="212-222-6559",
        zip_code="10016",
    )
    library.save()
    print("ready", flush=True)
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    saves, failed, longest = 0, 0, 0.0
    while not closed.wait(EVERY):
        started = time.perf_counter()
        try:
            library.save()
        except OperationalError:
            failed += 1
        saves, longest = saves + 1, max(longest, time.perf_counter() - started)
    print(json.dumps({"saves": saves, "failed": failed, "longest": longest}))


if __name__ == "__main__":
    main()
