#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import gc
import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    from django.core.management import execute_from_command_line

    # Starting makes a hundred thousand objects that stay; to look for garbage among them again
    # and again takes a tenth of the time.
    gc.set_threshold(200_000)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
