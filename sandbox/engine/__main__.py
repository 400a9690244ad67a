"""`python -m sandbox.engine`: the words, flags and exit codes of the Pulumi CLI, for rehearsals."""

import sys

from sandbox.engine.commands import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
