"""`python -m inference.catalogue`: the models command without Django."""

import sys

from inference.catalogue.cli import main

sys.exit(main())
