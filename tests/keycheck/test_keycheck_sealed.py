"""Nothing but the probes of the table can be sent to a write endpoint, and only by a check."""

import copy
import itertools
import types

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bitstamp_ledger as bl
from bitstamp_ledger.api import (
    BANNED,
    Call,
    Endpoint,
    Probe,
    ProbeCall,
    SigningKey,
    ban_of,
    planned,
    recognise,
    recognise_probe,
    sign,
    sign_probe,
)
from bitstamp_ledger.client._gate import ProbeGate
from bitstamp_ledger.client._shell import guard
from tests.keycheck.players import KEY, SECRET, Exchange, check_against

BASE = httpx.URL("https://exchange.example/")
NONCE = "01234567-89ab-4cde-8f01-23456789abcd"

NEVER = [
    ("POST", "/api/v2/cancel_all_orders/"),
    ("POST", "/api/v2/cancel_all_orders/btceur/"),
    ("POST", "/api/v2/revoke_all_api_keys/"),
    ("POST", "/api/v2/close_positions/"),
    ("POST", "/api/v2/close_position/"),
    ("POST", "/api/v2/adjust_position_collateral/"),
    ("POST", "/api/v2/leverage_settings/"),
    ("POST", "/api/v2/btc_address/"),
    ("POST", "/api/v2/ripple_address/"),
    ("POST", "/api/v2/instant_convert_address/new/"),
    ("POST", "/api/v2/websockets_token/"),
    ("POST", "/api/v2/crypto-transactions/deposits/17/reject/"),
    ("POST", "/api/v2/crypto-transactions/deposits/17/"),
    ("POST", "/api/v2/withdrawal/cancel/"),
    ("POST", "/api/v2/travel_rule/contacts/"),
    ("POST", "/api/v2/earn/subscriptions/setting/"),
    ("POST", "/api/v2/earn/unsubscribe/"),
    ("POST", "/api/v2/replace_order/"),
    ("POST", "/api/buy/"),
    ("POST", "/api/withdrawal_requests/"),
]


def disguised(path: str) -> list[str]:
    """Return spellings that a lenient server might take for the same."""
    below = path.removeprefix("/api/v2/")
    return [
        path,
        path.rstrip("/"),
        path.upper(),
        path.replace("/", "//"),
        path.replace("_", "%5f").replace("-", "%2D"),
        path.replace("a", "%2561"),
        f"/api/v2/./{below}",
        f"/api/v2/balance/../{below}",
        f"/api/v2;x=1/{below}",
        f"{path}?x=1",
    ]


class TestBanList:
    @pytest.mark.parametrize(("method", "path"), NEVER)
    def test_each_row_is_banned_in_every_disguise(self, method: str, path: str) -> None:
        """Decoded, in lower case, without empty or dotted parts."""
        spellings = disguised(path) if path.startswith("/api/v2/") else [path]

        assert [each for each in spellings if ban_of(method, each) is None] == []
        assert all(ban_of(method.lower(), each) for each in spellings)

    def test_every_row_of_the_table_is_met_by_an_example(self) -> None:
        """So that a row cannot be lost unseen."""
        below = [path.removeprefix("/api/v2/") for _, path in NEVER]

        for ban in BANNED:
            assert any(ban.path.fullmatch(each) for each in below), ban

    @pytest.mark.parametrize(("method", "path"), NEVER)
    def test_the_transport_refuses_it_even_through_an_open_gate(
        self, method: str, path: str
    ) -> None:
        """The gate cannot be talked into more than the table."""
        gate = ProbeGate()
        for body in (b"", b"{}", b"id=1"):
            request = httpx.Request(method, BASE.join(path), content=body or None)
            with gate.opened_for(request), pytest.raises(bl.ForbiddenCallError):
                guard(request, BASE, gate)

    @given(
        probe=st.sampled_from(Probe),
        currency=st.one_of(
            st.none(),
            st.text(max_size=30),
            st.from_regex(r"[a-z0-9]{2,24}", fullmatch=True),
            st.sampled_from(
                ["cancel_all_orders/", "../x", "btc/../revoke_all_api_keys", "a_address"]
            ),
        ),
    )
    @example(probe=Probe.CRYPTO_WITHDRAWAL, currency="ripple")
    def test_a_probe_cannot_express_it(self, probe: Probe, currency: str | None) -> None:
        """Whatever is tried makes one of the table's few paths, or nothing."""
        try:
            call = ProbeCall(probe=probe, currency=currency)
        except ValueError:
            return
        assert ban_of(call.method, call.path) is None
        assert recognise_probe(call.method, call.path, call.spec.body) is probe
        assert recognise(call.method, call.path) is None

    @given(
        endpoint=st.sampled_from(Endpoint),
        value=st.one_of(
            st.text(max_size=24),
            st.from_regex(r"[a-z0-9-]{1,24}", fullmatch=True),
            st.sampled_from(["all", "btceur", "new", "reject"]),
        ),
    )
    def test_a_call_of_the_catalogue_cannot_express_it(
        self, endpoint: Endpoint, value: str
    ) -> None:
        """Nor a probe."""
        names = [
            name for name in ("market", "currency", "id") if f"{{{name}}}" in endpoint.value.path
        ]
        try:
            call = Call(endpoint=endpoint, path_values=dict.fromkeys(names, value))
        except ValueError:
            return
        assert ban_of(call.method, call.path) is None
        assert recognise_probe(call.method, call.path, b"") is None


class TestProbe:
    def test_it_has_no_place_for_a_parameter(self) -> None:
        """Neither when it is made nor later."""
        with pytest.raises(TypeError):
            ProbeCall(probe=Probe.CANCEL_ORDER, parameters={"id": "1"})  # type: ignore[call-arg]
        call = ProbeCall(probe=Probe.CANCEL_ORDER)
        with pytest.raises(AttributeError):
            call.parameters = {"id": "1"}  # type: ignore[attr-defined]

    def test_it_cannot_be_extended(self) -> None:
        """Neither the call nor the table."""
        with pytest.raises(TypeError):
            types.new_class("Mine", (ProbeCall,))
        with pytest.raises(TypeError):
            types.new_class("Mine", (Probe,))

    @pytest.mark.parametrize(
        ("probe", "currency"), [(Probe.CANCEL_ORDER, "btc"), (Probe.CRYPTO_WITHDRAWAL, None)]
    )
    def test_a_currency_stands_exactly_where_the_path_names_one(
        self, probe: Probe, currency: str | None
    ) -> None:
        """And nowhere else."""
        with pytest.raises(ValueError, match="exactly where"):
            ProbeCall(probe=probe, currency=currency)

    def test_something_else_than_a_member_is_no_probe(self) -> None:
        """A row of one's own is not in the table."""
        with pytest.raises(TypeError):
            ProbeCall(probe=Probe.CANCEL_ORDER.value)  # type: ignore[arg-type]

    @pytest.mark.parametrize("target", ["?id=1", "?", "%20", "/", "1/"])
    def test_a_target_with_anything_added_is_no_probe(self, target: str) -> None:
        """A query above all."""
        assert recognise_probe("POST", f"/api/v2/cancel_order/{target}", b"") is None

    @pytest.mark.parametrize("call", planned(bl.Probes.EMPTY_WRITES), ids=lambda call: call.path)
    def test_a_body_is_never_more_than_the_tables(self, call: ProbeCall) -> None:
        """Not even the dummy that other clients send."""
        for body in (b"foo=bar", b"amount=1", b'{"amount": 1}', b" ", b"{ }"):
            assert recognise_probe(call.method, call.path, body) is None
        assert call.spec.body in {b"", b"{}"}

    def test_nothing_but_a_probe_is_signed(self) -> None:
        """An object that only looks like one is looked up in the table first."""

        class Lookalike:
            method = "POST"
            path = "/api/v2/cancel_order/?id=1"
            spec = Probe.CANCEL_ORDER.value

        with pytest.raises(bl.ForbiddenCallError):
            sign_probe(
                Lookalike(),  # type: ignore[arg-type]
                SigningKey(key=KEY, secret=SECRET),
                host="exchange.example",
                nonce=NONCE,
                timestamp_ms=1,
            )

    def test_nothing_banned_is_signed(self) -> None:
        """It stops before the secret is used."""

        class Lookalike:
            method = "POST"
            path = "/api/v2/revoke_all_api_keys/"
            spec = Probe.CANCEL_ORDER.value

        with pytest.raises(bl.ForbiddenCallError, match="must never be called"):
            sign_probe(
                Lookalike(),  # type: ignore[arg-type]
                SigningKey(key=KEY, secret=SECRET),
                host="exchange.example",
                nonce=NONCE,
                timestamp_ms=1,
            )

    def test_a_probe_is_signed_by_the_same_recipe_as_a_read(self) -> None:
        """The paths apart, both signatures are over the same string."""
        key = SigningKey(key="ExampleKey0000000000000000000001", secret=SECRET)
        read = Call(endpoint=Endpoint.OPEN_ORDERS)
        probe = ProbeCall(probe=Probe.CANCEL_ORDER)
        signed_read = sign(read, key, host="h", nonce=NONCE, timestamp_ms=1)
        signed = sign_probe(probe, key, host="h", nonce=NONCE, timestamp_ms=1)
        text = f"BITSTAMP {key.key}POSTh{{}}{NONCE}1v2"

        assert signed_read.headers["X-Auth-Signature"] == key.sign(text.format(read.path).encode())
        assert signed.headers["X-Auth-Signature"] == key.sign(text.format(probe.path).encode())
        assert signed.headers.keys() == signed_read.headers.keys()

    def test_modes_send_no_more_than_they_say(self) -> None:
        """NONE nothing, READS only what reads."""
        assert planned(bl.Probes.NONE) == ()
        assert [call.path for call in planned(bl.Probes.READS)] == ["/api/v2/withdrawal/status/"]
        assert [call.probe for call in planned(bl.Probes.EMPTY_WRITES, ["BTC"])] == [
            *[probe for probe in Probe if probe is not Probe.CRYPTO_WITHDRAWAL],
            Probe.CRYPTO_WITHDRAWAL,
            Probe.CRYPTO_WITHDRAWAL,
        ]


class TestGate:
    """A probe passes only while its check waits for it, and only that very request."""

    def request(self) -> httpx.Request:
        return httpx.Request("POST", BASE.join("/api/v2/cancel_order/"))

    def test_it_is_shut_by_default(self) -> None:
        """A program that finds the inner HTTP client gets nowhere either."""
        exchange = Exchange()
        credentials = bl.Credentials(key=KEY, secret=SECRET)
        with bl.Client(
            credentials, base_url="https://exchange.example", transport=exchange.transport
        ) as client:
            bl.check_key(client)
            asked = len(exchange.asked)
            probes = [copy.copy(each) for each in exchange.asked if "order" in str(each.url)]
            for request in [self.request(), *probes]:
                if recognise(request.method, request.url.path) is None:
                    with pytest.raises(bl.ForbiddenCallError):
                        client._http.send(request)

        assert probes
        assert len(exchange.asked) == asked

    def test_the_awaited_request_passes_once(self) -> None:
        """A second sending is a retry, and there is none."""
        gate, request = ProbeGate(), self.request()
        with gate.opened_for(request):
            guard(request, BASE, gate)
            with pytest.raises(bl.ForbiddenCallError):
                guard(request, BASE, gate)

    def test_an_equal_request_does_not_pass(self) -> None:
        """While the gate is open for another one."""
        gate = ProbeGate()
        with gate.opened_for(self.request()), pytest.raises(bl.ForbiddenCallError):
            guard(self.request(), BASE, gate)

    def test_it_shuts_behind_a_failure(self) -> None:
        """The sending may fail before it reaches the guard."""
        gate, request = ProbeGate(), self.request()
        with pytest.raises(OSError, match="down"), gate.opened_for(request):
            raise OSError("down")
        with pytest.raises(bl.ForbiddenCallError):
            guard(request, BASE, gate)

    def test_another_host_does_not_pass(self) -> None:
        """The gate lifts the catalogue, and nothing else."""
        gate = ProbeGate()
        request = httpx.Request("POST", "https://elsewhere.example/api/v2/cancel_order/")
        with gate.opened_for(request), pytest.raises(bl.ForbiddenCallError, match="talks to"):
            guard(request, BASE, gate)

    def test_a_body_that_is_not_at_hand_does_not_pass(self) -> None:
        """What cannot be looked at is not sent."""
        gate = ProbeGate()
        request = httpx.Request("POST", BASE.join("/api/v2/cancel_order/"), content=iter([b"id=1"]))
        with gate.opened_for(request), pytest.raises(bl.ForbiddenCallError):
            guard(request, BASE, gate)


def test_only_the_probe_module_names_write_endpoints() -> None:
    """A new probe is written in one place, and read by whoever reviews it."""
    words = [probe.value.path.replace("{currency}", "") for probe in Probe]
    catalogue = [endpoint.value.path for endpoint in Endpoint]

    assert not [pair for pair in itertools.product(words, catalogue) if pair[0] == pair[1]]
    assert check_against(Exchange()).state is bl.KeyState.READ_ONLY
