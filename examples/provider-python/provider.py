"""The provider's own logic: what lapak promises, and how its answers become outcomes."""

import json
from urllib.parse import quote, urlsplit

from jalur.plugin.v1 import provider_pb2 as pb
from jalur_plugin import DECLINED, NOT_SENT, UNKNOWN, BadSetting, Fault, money

OUTCOMES = {"done": pb.OUTCOME_SUCCEEDED, "pending": pb.OUTCOME_PENDING, "refused": pb.OUTCOME_DECLINED}


class Provider:
    """The client of lapak. A repeated reference is answered with the first order, and an order can be asked for by it."""

    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["base_url", "key"],
        "properties": {
            "base_url": {"type": "string", "minLength": 1, "description": "Address of the provider, without a slash at its end."},
            "key": {"type": "string", "minLength": 1, "writeOnly": True, "description": "The API key."},
        },
    }

    def __init__(self, settings):
        self._base, self._key = settings["base_url"], settings["key"]
        if not isinstance(self._base, str) or urlsplit(self._base).scheme not in ("http", "https"):
            raise BadSetting("base_url", "must be an http URL")
        if not isinstance(self._key, str) or not self._key.isascii() or not self._key.isprintable():
            raise BadSetting("key", "must be text")

    def describe(self):
        phone = pb.MerchantSpec(merchant="GOPAY", account_kind="phone number", account_pattern="08[0-9]{8,11}")
        return pb.Description(
            name="lapak", version="0.1.0", instance=self._base, ref=pb.RefSpec(mode=pb.REF_MODE_REPLAY), status_by_ref=True,
            merchants=[phone], amounts=pb.AmountSpec(min=money("1000"), max=money("999999999"), step=money("1")),
        )

    def list_products(self, call, request):
        reply = self._ask(call, "GET", "/products")
        listed = reply.json().get("products")
        if reply.status != 200 or not isinstance(listed, list):
            raise unreadable(reply)
        return pb.ProductPage(products=[product(p) for p in listed if request.product in ("", p["code"])])

    def inquire(self, call, request):
        order = {"product": request.product, "account": request.account, "amount": request.amount.value}
        reply = self._ask(call, "POST", "/inquiries", order)
        said = reply.json()
        if reply.status in (200, 401) and said.get("status") == "refused":
            raise Fault(DECLINED, code(said), "refused by the provider")
        if reply.status != 200 or said.get("status") != "priced":
            raise unreadable(reply)
        return pb.Quote(
            product=said["product"], account=said["account"], receiver_name=said["name"], amount=money(said["amount"]), cost=money(said["cost"]),
        )

    def pay(self, call, order):
        if order.amount.currency != "IDR":  # the order itself tells no currency
            raise Fault(NOT_SENT, "amount_invalid", "amounts are in rupiah")
        request = {"ref": order.ref, "product": order.product, "account": order.account, "amount": order.amount.value}
        return self._order(self._ask(call, "POST", "/orders", request, order.send_before_ns))

    def status(self, call, request):
        return self._order(self._ask(call, "GET", "/orders?ref=" + quote(request.original.ref, safe="")))

    def _ask(self, call, method, path, body=None, send_before_ns=0):
        headers = {"Authorization": "Bearer " + self._key, "Content-Type": "application/json"}
        packed = b"" if body is None else json.dumps(body).encode()
        return call.http(method, self._base + path, headers, packed, send_before_ns)

    def _order(self, reply):
        """Gives an answer the outcome that it proves: a word that isn't known, or a status that isn't documented, proves nothing."""
        said = reply.json()
        word = said.get("status")
        if reply.status == 404 and word == "absent":
            raise Fault(UNKNOWN, "not_found", "the provider knows no such order")
        if word not in OUTCOMES or reply.status != (401 if said.get("code") == "auth" else 200):
            raise Fault(UNKNOWN, "internal", f"the answer proves nothing (http status {reply.status})", evidence(said))
        result = evidence(said)
        result.outcome = OUTCOMES[word]
        if word == "refused":
            result.code = code(said)
        if "amount" in said:
            result.amount.CopyFrom(money(said["amount"]))
        if "cost" in said:
            result.cost.CopyFrom(money(said["cost"]))
        return result


def unreadable(reply):
    return Fault(UNKNOWN, "internal", f"the answer can't be read (http status {reply.status})")


def evidence(said):
    """What an answer says about its order, in its own words."""
    words = {name: value for name, value in said.items() if isinstance(value, str)}
    return pb.Result(
        provider_code=words.get("code", ""), ref=words.get("ref", ""), invoice=words.get("invoice", ""), reference=words.get("reference", ""),
        product=words.get("product", ""), account=words.get("account", ""),
    )


def code(said):
    """The provider's codes, as Jalur classes them; one that isn't known is a plain refusal."""
    known = ("auth", "deposit_empty", "account_invalid", "amount_invalid", "product_unknown", "bad_request")
    return said.get("code") if said.get("code") in known else "declined"


def product(listed):
    fee = pb.Fee(expr="amount+" + listed["fee"], known=True, flat=money(listed["fee"]))
    return pb.Product(code=listed["code"], name=listed["name"], fee=fee, available=listed["available"] is True)
