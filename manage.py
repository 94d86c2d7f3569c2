#!/usr/bin/env python3
"""AVATAR's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatar_project.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415  (the environment comes first)

    from inference.env import plainly  # noqa: PLC0415

    with plainly():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
