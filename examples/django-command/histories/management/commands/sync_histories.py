"""``manage.py sync_histories``: bring every user's history up to date."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

import bitstamp_ledger as bl


class Command(BaseCommand):
    """One account after the other; those that fail are named at the end."""

    help = "Bring every user's Bitstamp history up to date."

    def handle(self, *_: object, **__: object) -> None:
        """Sync all accounts."""
        chosen = settings.HISTORIES
        failed: list[str] = []
        with bl.Ledger.open(chosen["LEDGER"]) as ledger:
            for account, key in import_string(chosen["KEYS"])():
                address = chosen.get("EXCHANGE", "https://www.bitstamp.net")
                with bl.Client(key, base_url=address, account=account) as client:
                    try:
                        report = ledger.sync(client)
                    except bl.BitstampLedgerError as error:
                        failed.append(account)
                        self.stderr.write(f"{account}: {error.args[0]} {error.hint or ''}")
                    else:
                        self.stdout.write(f"{account}: {report.new} new records")
        if failed:
            raise CommandError(f"{len(failed)} accounts were not read: {', '.join(failed)}")
