"""`python -m reconciler`."""

import sys

from reconciler.cli.entry import main

sys.exit(main())
