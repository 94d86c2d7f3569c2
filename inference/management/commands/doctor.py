"""`manage.py doctor`: what this machine has, what would be used for what and why, what is wrong, what to change."""

from typing import Any

from django.core.management.base import BaseCommand

from inference import config, doctor
from inference.machine import measure


class Command(BaseCommand):
    help = "Prints the machine, its budget of memory, the engines that would be used and why, and what to change."
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        settings = config.load()
        for line in doctor.report(settings, measure(), doctor.running(settings)):
            self.stdout.write(line)
