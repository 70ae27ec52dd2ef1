"""The client for programs on asyncio or trio."""

import contextlib
import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Self

import httpx

from bitstamp_ledger._collector import collector_patient
from bitstamp_ledger.api import (
    IN_FLIGHT_MAX,
    Answer,
    Await,
    Begin,
    Call,
    Candle,
    CorrectClock,
    CryptoTransaction,
    Currency,
    DerivativeTrade,
    EarnSubscription,
    EarnTransaction,
    Effect,
    Emit,
    Endpoint,
    EurUsd,
    Fees,
    Flow,
    HistoryCheckpoint,
    Manners,
    MarginInfo,
    Market,
    MyMarket,
    NoReply,
    NotAvailable,
    Opened,
    OpenOrder,
    OrderStatus,
    Pause,
    Position,
    PositionSettlement,
    Reply,
    RetryPolicy,
    Send,
    SignedCall,
    StreamFlow,
    Ticker,
    TradingFee,
    WithdrawalFee,
    WithdrawalRequest,
    ask,
    open_crypto_deposits,
    open_crypto_transactions,
    open_earn_transactions,
    open_position_history,
    open_position_settlements,
    open_trade_history,
    open_withdrawal_requests,
    parse_balances,
    read_balance,
    read_currencies,
    read_earn_subscriptions,
    read_eur_usd,
    read_fees,
    read_margin_info,
    read_markets,
    read_my_markets,
    read_open_orders,
    read_open_positions,
    read_order_status,
    read_ticker,
    read_trading_fees,
    read_withdrawal_fees,
    walk_candles,
)
from bitstamp_ledger.api._effects import T
from bitstamp_ledger.client._budget import Budget
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._history import AsyncHistory, begin_history
from bitstamp_ledger.client._shell import (
    PRODUCTION_URL,
    ReplyEndlessError,
    Shell,
    closed,
    guard,
    make_shell,
    reason_of,
    repr_of,
    tls,
)
from bitstamp_ledger.client._watching import ClientCounts, Observer
from bitstamp_ledger.model import MAIN_ACCOUNT, Account, Balance


class _GuardedTransport(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, shell: Shell) -> None:
        self._inner = inner
        self._shell = shell

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        guard(request, self._shell.base_url, self._shell.gate)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class AsyncClient:
    """Reads one Bitstamp account.  It cannot trade, withdraw or change anything.

    Use it as a context manager, or close it.  The same as `Client`, with ``await``
    before each call and ``async for`` over each iterator.

    Args:
        credentials: the account's API key; None for public endpoints only.
        base_url: the exchange; https, or http to this machine itself.
        account: the name of the account that the key is bound to.
        timeout_s: the longest wait for a connection, and for each part of an answer.
        retry: how often and how patiently a call is repeated.
        in_flight_max: how many pages of the history may be asked for at once.
        budget: how many requests may leave; by default one budget, well below the documented
            limits, is shared by all clients of this process that talk to one exchange.
        observer: called with each `RequestDone` and `PageRead`, from whichever thread did it.
        signed_replies_required: whether replies must carry the exchange's signature; a wrong
            signature is never accepted.
        transport: sends the requests in place of httpx's own; every request is still checked
            against the catalogue first.

    Raises:
        ForbiddenCallError: ``base_url`` is not a safe address.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str = PRODUCTION_URL,
        account: str | Account = MAIN_ACCOUNT,
        timeout_s: float = 30.0,
        retry: RetryPolicy | None = None,
        in_flight_max: int = IN_FLIGHT_MAX,
        budget: Budget | None = None,
        observer: Observer | None = None,
        signed_replies_required: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._shell = make_shell(
            credentials,
            base_url=base_url,
            account=account,
            manners=Manners(
                retry=retry or RetryPolicy(),
                in_flight_max=in_flight_max,
                signed_replies_required=signed_replies_required,
            ),
            budget=budget,
            observer=observer,
        )
        self._http = httpx.AsyncClient(
            transport=_GuardedTransport(
                transport or httpx.AsyncHTTPTransport(verify=tls()), self._shell
            ),
            timeout=timeout_s,
            follow_redirects=False,  # Host and path are part of the signature.
            trust_env=False,  # A proxy from the environment would go round the guard.
        )

    @property
    def account(self) -> str:
        """The name of the account that this client reads."""
        return self._shell.account

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def key_fingerprint(self) -> str | None:
        """What tells this client's key from others, and is safe to keep; None without a key."""
        credentials = self._shell.credentials
        return credentials.fingerprint if credentials is not None else None

    @property
    def counts(self) -> ClientCounts:
        """What this client has done so far: requests, failed ones, records delivered."""
        return self._shell.watch.counts

    @property
    def clock_behind_s(self) -> float | None:
        """How far this machine's clock was behind the exchange's at its latest reply, in seconds.

        None before a reply that states a time; replies state whole seconds.
        """
        return self._shell.clock.behind_s()

    @property
    def clock_skew_s(self) -> float:
        """How far this machine's clock is behind the exchange's, where it refused our time; else 0.

        Once refused, requests are signed with the exchange's time, taken from its reply.
        """
        return self._shell.clock.skew_s

    def __repr__(self) -> str:
        return repr_of(self)

    async def close(self) -> None:
        """Close the connections.  Safe to call twice."""
        await self._http.aclose()

    async def balances(self) -> tuple[Balance, ...]:
        """Ask what the account holds now: one balance per currency, zeros included.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.
        """
        call = Call(endpoint=Endpoint.ACCOUNT_BALANCES)
        return await self._drive(ask(call, parse_balances, self._shell.manners))

    def entries(
        self,
        since_id: int | None = None,
        *,
        market: str | None = None,
        after: HistoryCheckpoint | None = None,
    ) -> AsyncHistory:
        """Read the account's history, oldest first, each record once, page by page.

        Args:
            since_id: the first exchange id wanted, inclusive; None for the whole history.
            market: only this market's trades: ``btceur`` or ``BTC/EUR``.
            after: the checkpoint of an earlier history; what came since is handed out, and what
                changed or turned up late just before it.

        Raises:
            CheckpointError: the checkpoint is of another account or market.
            ValueError: both ``since_id`` and ``after`` are given.
            BitstampLedgerError: see `bitstamp_ledger.errors`; what was yielded before is good.
        """
        progress, endpoint, flow = begin_history(
            self._shell, since_id=since_id, market=market, after=after
        )
        return AsyncHistory(self._pages(endpoint, flow), progress)

    async def balance(self, currency: str) -> Balance:
        """Ask what the account holds of one currency now.

        Args:
            currency: its code, in either case.

        Raises:
            InvalidCallError: the exchange knows no such currency.
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Balances".
        """
        return await self._drive(read_balance(currency, self._shell.manners))

    async def crypto_transactions(
        self, *, include_ious: bool = True
    ) -> AsyncIterator[CryptoTransaction] | NotAvailable:
        """Read where coins came from and went to: deposits, withdrawals and IOUs of the XRP ledger.

        Each row comes once, in the order of the exchange's pages; ``kind`` says which list it
        stands in.  `enrich` joins them to entries; amounts are booked from `entries` alone.

        Args:
            include_ious: whether credits on the XRP ledger are wanted as well.

        Returns:
            The rows, page by page; `NotAvailable` for a key of a sub-account, or without the right.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Crypto transactions".
        """
        return await self._open(
            Endpoint.CRYPTO_TRANSACTIONS,
            open_crypto_transactions(self._shell.manners, include_ious=include_ious),
        )

    async def crypto_deposits(
        self, *, status: str | None = None
    ) -> AsyncIterator[CryptoTransaction] | NotAvailable:
        """Read the deposits of coins, those that are held back as well; each row comes once.

        Args:
            status: only those of this status, such as ``"PENDING"``.

        Returns:
            The rows, page by page; `NotAvailable` where the key has no right to them.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Crypto transactions".
        """
        return await self._open(
            Endpoint.CRYPTO_DEPOSITS, open_crypto_deposits(self._shell.manners, status=status)
        )

    async def withdrawal_requests(self) -> AsyncIterator[WithdrawalRequest] | NotAvailable:
        """Read all requests to withdraw coins or money, the failed and cancelled ones as well.

        Returns:
            Each request once, page by page, in the order of the exchange; `NotAvailable` where the
            key has no right to list them.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Withdrawal requests".
        """
        return await self._open(
            Endpoint.WITHDRAWAL_REQUESTS, open_withdrawal_requests(self._shell.manners)
        )

    async def open_orders(self, market: str | None = None) -> tuple[OpenOrder, ...] | NotAvailable:
        """Ask for the orders that rest in the book; what the exchange says may be 10 seconds old.

        Args:
            market: ``btceur`` or ``BTC/EUR``; None for all markets.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Orders".
        """
        return await self._drive(read_open_orders(market, self._shell.manners))

    async def order_status(
        self, order_id: int | None = None, *, client_order_id: str | None = None
    ) -> OrderStatus | NotAvailable:
        """Ask for one order and its executions.

        Args:
            order_id: the exchange's id, as in ``Trade.order_id``.
            client_order_id: the id that whoever made the order gave it; one of the two is needed.

        Raises:
            InvalidCallError: no such order; the exchange forgets closed ones after 30 days.
            ValueError: none of the ids is given, or both are.
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Orders".
        """
        return await self._drive(read_order_status(order_id, client_order_id, self._shell.manners))

    async def fees(self) -> Fees:
        """Ask for all trading and withdrawal fees that hold now; the past had others.

        Two requests; each half is a `NotAvailable` where the key has no right to it.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Fees".
        """
        return await self._drive(read_fees(self._shell.manners))

    async def trading_fees(
        self, market: str | None = None
    ) -> tuple[TradingFee, ...] | NotAvailable:
        """Ask what trades cost now, in percent of the quote.

        Args:
            market: ``btceur`` or ``BTC/EUR``; None for all markets.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Fees".
        """
        return await self._drive(read_trading_fees(market, self._shell.manners))

    async def withdrawal_fees(
        self, currency: str | None = None, *, network: str | None = None
    ) -> tuple[WithdrawalFee, ...] | NotAvailable:
        """Ask what withdrawals cost now, in the currency itself.

        Args:
            currency: its code, in either case; None for all currencies.
            network: one of the currency's networks; without it the exchange chooses.

        Raises:
            ValueError: a network without a currency.
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Fees".
        """
        return await self._drive(read_withdrawal_fees(currency, network, self._shell.manners))

    async def my_markets(self) -> tuple[MyMarket, ...] | NotAvailable:
        """Ask in which markets this account may trade.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Endpoints".
        """
        return await self._drive(read_my_markets(self._shell.manners))

    async def earn_subscriptions(self) -> tuple[EarnSubscription, ...] | NotAvailable:
        """Ask which coins are staked or lent now.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Earn".
        """
        return await self._drive(read_earn_subscriptions(self._shell.manners))

    async def earn_transactions(
        self, *, currency: str | None = None, quote_currency: str | None = None
    ) -> AsyncIterator[EarnTransaction] | NotAvailable:
        """Read the rewards and other movements of Earn, to check the history by.

        Args:
            currency: only those in this currency, in either case.
            quote_currency: in which currency the exchange shall say what they were worth.

        Returns:
            Each row once, page by page, in the order of the exchange; `NotAvailable` where the
            account has no Earn, or the key no right to it.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Earn".
        """
        return await self._open(
            Endpoint.EARN_TRANSACTIONS,
            open_earn_transactions(currency, quote_currency, self._shell.manners),
        )

    async def trade_history(
        self, market: str | None = None, *, order_id: str | None = None
    ) -> AsyncIterator[DerivativeTrade] | NotAvailable:
        """Read the trades in derivatives, oldest first; those in coins are in `entries`.

        Args:
            market: such as ``btcusd-perp`` or ``BTC/USD-PERP``.
            order_id: only those of this order; it or a market is needed.

        Returns:
            Each trade once, page by page; `NotAvailable` where the account has no derivatives.

        Raises:
            ValueError: neither a market nor an order.
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Derivatives".
        """
        return await self._open(
            Endpoint.TRADE_HISTORY, open_trade_history(market, order_id, self._shell.manners)
        )

    async def position_history(self) -> AsyncIterator[Position] | NotAvailable:
        """Read all positions in derivatives that were closed.

        Returns:
            Each position once, page by page; `NotAvailable` where the account has no derivatives.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Derivatives".
        """
        return await self._open(
            Endpoint.POSITION_HISTORY, open_position_history(self._shell.manners)
        )

    async def position_settlements(self) -> AsyncIterator[PositionSettlement] | NotAvailable:
        """Read what each settlement of a position consists of: price, fees, funding.

        Returns:
            Each settlement once, page by page; `NotAvailable` where the account has no derivatives.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Derivatives".
        """
        return await self._open(
            Endpoint.POSITION_SETTLEMENTS, open_position_settlements(self._shell.manners)
        )

    async def open_positions(self) -> tuple[Position, ...] | NotAvailable:
        """Ask for the positions in derivatives that are open now.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Derivatives".
        """
        return await self._drive(read_open_positions(self._shell.manners))

    async def margin_info(self) -> MarginInfo | NotAvailable:
        """Ask for the margin of the account's derivatives.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Derivatives".
        """
        return await self._drive(read_margin_info(self._shell.manners))

    async def currencies(self) -> tuple[Currency, ...]:
        """Ask which currencies are listed now; a history may hold others.  Needs no key.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Public data".
        """
        return await self._drive(read_currencies(self._shell.manners))

    async def markets(self) -> tuple[Market, ...]:
        """Ask which markets are listed now; a history may hold others.  Needs no key.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Public data".
        """
        return await self._drive(read_markets(self._shell.manners))

    async def ticker(self, market: str) -> Ticker:
        """Ask for the prices of one market now.  Needs no key.

        Args:
            market: ``btceur`` or ``BTC/EUR``.

        Raises:
            InvalidCallError: no such market is listed.
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Public data".
        """
        return await self._drive(read_ticker(market, self._shell.manners))

    def candles(
        self, market: str, step_s: int, *, start: dt.datetime, end: dt.datetime | None = None
    ) -> AsyncIterator[Candle]:
        """Read prices over time, oldest first, page by page.  Needs no key.

        Args:
            market: ``btceur`` or ``BTC/EUR``.
            step_s: how long a candle lasts, in seconds: 60, 180, 300, 900, 1800, 3600, 7200, 14400,
                21600, 43200, 86400 or 259200.
            start: the earliest time at which a candle may begin, inclusive; with a zone.
            end: the end of these times, exclusive; None for the newest candle too, which may still
                grow.

        Raises:
            ValueError: no such step, or a time without zone.
            BitstampLedgerError: see `bitstamp_ledger.errors`; what was yielded before is good.

        Source: docs/facts/exchange.md, "Public data".
        """
        return self._stream(
            Endpoint.CANDLES,
            walk_candles(market, step_s=step_s, start=start, end=end, manners=self._shell.manners),
        )

    async def eur_usd(self) -> EurUsd:
        """Ask for the exchange's rate for euros in U.S. dollars now.  Needs no key.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.

        Source: docs/facts/exchange.md, "Public data".
        """
        return await self._drive(read_eur_usd(self._shell.manners))

    async def _open(
        self, endpoint: Endpoint, opening: Opened[T]
    ) -> AsyncIterator[T] | NotAvailable:
        opened = await self._drive(opening)
        return opened if isinstance(opened, NotAvailable) else self._stream(endpoint, opened)

    async def _drive(self, flow: Flow[T]) -> T:
        answer: Reply | NoReply | None = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration as finished:
                result: T = finished.value
                return result
            answer = await self._perform(effect)

    async def _stream(self, endpoint: Endpoint, flow: StreamFlow[T]) -> AsyncGenerator[T, None]:
        async with contextlib.aclosing(self._pages(endpoint, flow)) as pages:
            async for page in pages:
                for item in page:
                    yield item

    async def _pages(
        self, endpoint: Endpoint, flow: StreamFlow[T]
    ) -> AsyncGenerator[tuple[T, ...], None]:
        from bitstamp_ledger.client._tasks import background_for  # noqa: PLC0415 - loads asyncio

        answer: Answer = None
        with collector_patient() as paused:
            async with background_for(self._perform) as background:
                while True:
                    try:
                        with paused():  # A page makes thousands of entries, and no cycle.
                            effect = flow.send(answer)
                    except StopIteration:
                        return
                    answer = None
                    match effect:
                        case Emit(items):
                            self._shell.watch.page_read(endpoint.label, len(items))
                            yield items
                        case Begin(ticket, begun):
                            background.begin(ticket, begun)
                        case Await():
                            answer = await background.first_done()
                        case Send() | Pause() | CorrectClock():
                            answer = await self._perform(effect)

    async def _perform(self, effect: Effect) -> Reply | NoReply | None:
        import anyio  # noqa: PLC0415 - slow to import, and only needed to wait

        match effect:
            case Pause():
                await anyio.sleep(self._shell.drawn(effect))
                return None
            case CorrectClock(date):
                self._shell.clock.correct(date)
                return None
            case Send(call):
                while wait_s := self._shell.budget.take():  # noqa: ASYNC110 - no event to wait for
                    await anyio.sleep(wait_s)
                return await self._send(call)

    async def _send(self, call: Call) -> Reply | NoReply:
        sent = self._shell.prepare(call)
        return await self._exchange(call.endpoint.label, sent, self._shell.request(sent))

    async def _exchange(
        self, label: str, sent: SignedCall, request: httpx.Request
    ) -> Reply | NoReply:
        receiving = self._shell.receiving(label, sent)
        try:
            response = await self._http.send(request, stream=True)
            async with contextlib.aclosing(response):
                async for chunk in response.aiter_bytes():
                    receiving.add(chunk)
        except (httpx.TransportError, httpx.DecodingError) as exc:
            return receiving.failed(reason_of(exc))
        except RuntimeError as exc:
            if self._http.is_closed:
                raise closed() from exc
            raise
        except ReplyEndlessError as exc:
            return receiving.failed(str(exc))
        return receiving.reply(response)
