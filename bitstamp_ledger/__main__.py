"""``python -m bitstamp_ledger`` and the script ``bitstamp-ledger``."""

import sys

from bitstamp_ledger.errors import MissingExtraError


def main() -> int:
    """Run the command line; return its exit code.

    Without the extra ``cli`` it says how to get it.
    """
    try:
        from bitstamp_ledger.cli import run  # noqa: PLC0415 - optional packages
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"click", "rich"}:
            raise
        sys.stderr.write(f"{MissingExtraError('The command line', extra='cli')}\n")
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
