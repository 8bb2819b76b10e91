"""`python -m tinynas` is the command `tinynas`."""

import sys

from tinynas.cli import main

if __name__ == "__main__":
    sys.exit(main())
