"""``formats`` and ``sinks``: what can be read, and what can be written."""

import click

from bitstamp_ledger import files, sinks
from bitstamp_ledger.cli import _show
from bitstamp_ledger.cli._options import JSON_OPTION


@click.command(name="formats")
@JSON_OPTION
def formats_command(*, as_json: bool) -> None:
    """List the file formats that can be read, plug-ins included.

    \b
    Example:
      bitstamp-ledger formats
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    if as_json:
        _show.as_json({"formats": files.formats()})
        return
    for name in files.formats():
        _show.note(name)


@click.command(name="sinks")
@JSON_OPTION
def sinks_command(*, as_json: bool) -> None:
    """List what entries can be exported to, plug-ins included.

    \b
    Example:
      bitstamp-ledger sinks
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    if as_json:
        _show.as_json({"sinks": sinks.names()})
        return
    for name in sinks.names():
        _show.note(name)
