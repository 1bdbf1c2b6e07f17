"""What a plugin of Jalur in Python needs beside its provider's own logic: the process, the wire, and an HTTP call that says only what its socket proves.

    jalur_plugin.serve(Provider)

Provider is a class with the attribute "schema" (of its settings, a dict), a constructor that takes the settings, and the methods describe, list_products, inquire, pay
and status; balances, read_callback and cancel_quote where it has them. They take and give messages of provider.proto, run in many threads at once, and raise a Fault
where there is no answer. Any other exception is Unknown.
"""

import http.client
import io
import json
import os
import re
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
from base64 import b64encode
from concurrent import futures
from datetime import datetime, timedelta, timezone

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from jalur.plugin.v1 import provider_pb2 as pb
from jalur.plugin.v1 import provider_pb2_grpc as rpc

COOKIE = ("JALUR_PLUGIN", "5d0f1c8e-provider")
MAX_MESSAGE = 4 << 20
MAX_BODY = 1 << 20
CONNECT_TIMEOUT = 3.0
CALL_TIMEOUT = 60.0
THREADS = 256
NOT_SENT, DECLINED, UNKNOWN = pb.OUTCOME_NOT_SENT, pb.OUTCOME_DECLINED, pb.OUTCOME_UNSPECIFIED


class Fault(Exception):
    """A call that brought no answer, or none that can be believed. The text is for people: no secrets, no whole account numbers."""

    def __init__(self, outcome, code, text, evidence=None):
        super().__init__(text)
        self.outcome, self.code, self.text, self.evidence = outcome, code, text, evidence


class BadSetting(Exception):
    """A setting that can't be used; the rule doesn't repeat its value."""

    def __init__(self, key, rule):
        super().__init__(rule)
        self.key, self.rule = key, rule


def money(value, currency="IDR"):
    """An exact amount from a decimal text. A float has lost what it was before anybody can check it, so nothing but text is taken."""
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,19}(\.[0-9]{1,9})?", value):
        raise Fault(UNKNOWN, "internal", "an amount of the answer is no decimal text")
    return pb.Money(value=value, currency=currency)


# --- one call, and the HTTP that it makes ---


class Call:
    """One call of the host: how long it may take, and its place in a trace."""

    def __init__(self, context):
        left = context.time_remaining()
        left = CALL_TIMEOUT if left is None else left
        self._until = time.monotonic() + left - min(left / 20, 0.25)  # so that our own word on what happened still arrives
        self._context = context
        self._trace = {k: v for k, v in context.invocation_metadata() if k in ("traceparent", "tracestate")}

    def left(self):
        left = self._until - time.monotonic()
        if left <= 0 or not self._context.is_active():
            raise TimeoutError("the call is over")
        return left

    def http(self, method, url, headers=None, body=b"", send_before_ns=0):
        """Makes one request, on a connection of its own, once. It follows no redirect and uses no proxy. Whatever the status, a reply is a Reply.

        After send_before_ns, a reading of CLOCK_BOOTTIME, no byte leaves. Raises a Fault: NOT_SENT if no byte has left, else Unknown."""
        target = urllib.parse.urlsplit(url)
        try:
            sock = self._connect(target)
        except (OSError, ValueError) as err:
            raise Fault(NOT_SENT, "transport_not_sent", "no connection: " + describe_error(err)) from None
        with sock:
            packed = self._pack(method, target, headers or {}, body)
            if not self._context.add_callback(lambda: _cut(sock)):
                raise Fault(NOT_SENT, "transport_not_sent", "the call was over before its request left")
            if send_before_ns and time.clock_gettime_ns(time.CLOCK_BOOTTIME) > send_before_ns:
                raise Fault(NOT_SENT, "transport_not_sent", "the time to send has passed")
            try:
                sock.sendall(packed)  # from its first byte on everything is Unknown
                return self._read(sock, method)
            except (OSError, http.client.HTTPException, ValueError) as err:
                raise Fault(UNKNOWN, "transport_after_send", "no whole answer: " + describe_error(err)) from None

    def _connect(self, target):
        secure = target.scheme == "https"
        timeout = min(self.left(), CONNECT_TIMEOUT)
        sock = socket.create_connection((target.hostname, target.port or (443 if secure else 80)), timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=target.hostname)
            sock.settimeout(self.left())
            return sock
        except BaseException:
            sock.close()
            raise

    def _pack(self, method, target, headers, body):
        fields = {"Host": target.netloc.rpartition("@")[2], "Connection": "close", "Content-Length": str(len(body)), **self._trace, **headers}
        for name, value in fields.items():
            if re.search(r"[\r\n]", name + value):
                raise Fault(NOT_SENT, "bad_request", "a header can't hold a line break")
        path = (target.path or "/") + ("?" + target.query if target.query else "")
        lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join(lines + ["", ""]).encode("latin-1") + body

    def _read(self, sock, method):
        response = http.client.HTTPResponse(_Bounded(sock, self.left), method=method)
        with response:
            response.begin()
            if (response.length or 0) > MAX_BODY:
                raise ValueError("the reply is too large")
            body = response.read(MAX_BODY + 1) if response.length is None else response.read()
        if len(body) > MAX_BODY:
            raise ValueError("the reply is too large")
        return Reply(response.status, body)


class _Bounded(io.RawIOBase):
    """Reads a socket, each time with what is left of the call, so that an answer that drips can't hold it longer."""

    def __init__(self, sock, left):
        super().__init__()
        self._sock, self._left = sock, left

    def makefile(self, _mode):
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        self._sock.settimeout(self._left())
        return self._sock.recv_into(buffer)


def _cut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already


def describe_error(err):
    """Says what went wrong without what an exception may quote: parts of the request, or of the answer."""
    return os.strerror(err.errno) if isinstance(err, OSError) and err.errno and err.errno > 0 else type(err).__name__


class Reply:
    """What the provider answered, whatever its status."""

    def __init__(self, status, body):
        self.status, self.body = status, body

    def json(self):
        """The object in the body; anything else is Unknown. Text is made fit to travel: half of a surrogate pair is no text."""
        try:
            value = json.loads(self.body.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Fault(UNKNOWN, "internal", f"the answer can't be read (http status {self.status})")
        return _clean(value)


def _clean(value):
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(k): _clean(v) for k, v in value.items()}
    return [_clean(v) for v in value] if isinstance(value, list) else value


# --- the wire ---


class _Gate:
    """Counts the calls that run, so that none is cut when the plugin is ended."""

    def __init__(self):
        self._changed, self._inside, self._closed = threading.Condition(), 0, False

    def __enter__(self):
        with self._changed:
            if self._closed:
                raise Fault(NOT_SENT, "transport_not_sent", "the plugin is shutting down")
            self._inside += 1

    def __exit__(self, *_):
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def close(self, timeout):
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: self._inside == 0, timeout)


class _Service(rpc.ProviderServicer):
    def __init__(self, provider):
        self._make, self._provider, self._gate, self._lock = provider, None, _Gate(), threading.Lock()

    def Schema(self, request, context):
        return pb.SchemaResponse(call=request.call, schema=pb.SettingsSchema(json=json.dumps(self._make.schema).encode()))

    def Configure(self, request, context):
        try:
            with self._lock:
                self._configure(request.settings)
            return pb.ConfigureResponse(call=request.call, configured=pb.Configured())
        except BadSetting as bad:
            return pb.ConfigureResponse(call=request.call, refused=pb.SettingsFault(key=bad.key, rule=bad.rule))
        except Exception as err:
            return pb.ConfigureResponse(call=request.call, fault=_fault("configure", err))

    def _configure(self, packed):
        if self._provider:
            raise Fault(UNKNOWN, "internal", "the plugin has its settings already")
        settings = json.loads(packed)
        for key in self._make.schema.get("required", []):
            if key not in settings:
                raise BadSetting(key, "is required")
        for key in settings:
            if key not in self._make.schema["properties"]:
                raise BadSetting(key, "is not a setting of this provider")
        self._provider = self._make(settings)

    def _answer(self, response, op, run, evidence=False):
        """Fills the response: run gives the answer's field and its message."""
        try:
            with self._gate:
                if not self._provider:
                    raise Fault(NOT_SENT, "transport_not_sent", "the plugin has no settings yet")
                field, message = run(self._provider)
                getattr(response, field).CopyFrom(message)
        except Exception as err:
            response.ClearField(response.WhichOneof("answer") or "fault")
            response.fault.CopyFrom(_fault(op, err))
            if evidence and getattr(err, "evidence", None):
                response.evidence.CopyFrom(err.evidence)
        return response

    def Describe(self, request, context):
        return self._answer(pb.DescribeResponse(call=request.call), "describe", lambda p: ("description", p.describe()))

    def ListProducts(self, request, context):
        return self._answer(pb.ListProductsResponse(call=request.call), "list_products", lambda p: ("page", p.list_products(Call(context), request)))

    def Inquire(self, request, context):
        return self._answer(pb.InquireResponse(call=request.call), "inquire", lambda p: ("quote", p.inquire(Call(context), request)))

    def Pay(self, request, context):
        return self._answer(pb.PayResponse(call=request.call), "pay", lambda p: ("result", p.pay(Call(context), request.order)), evidence=True)

    def Status(self, request, context):
        return self._answer(pb.StatusResponse(call=request.call), "status", lambda p: ("result", p.status(Call(context), request)), evidence=True)

    def Balances(self, request, context):
        self._needs("balances", context)
        return self._answer(pb.BalancesResponse(call=request.call), "balances", lambda p: ("sheet", p.balances(Call(context))))

    def ReadCallback(self, request, context):
        self._needs("read_callback", context)
        return self._answer(pb.ReadCallbackResponse(call=request.call), "read_callback", lambda p: ("callback", p.read_callback(request)))

    def CancelQuote(self, request, context):
        self._needs("cancel_quote", context)

        def run(p):
            p.cancel_quote(Call(context), request.token)
            return "cancelled", pb.QuoteCancelled()

        return self._answer(pb.CancelQuoteResponse(call=request.call), "cancel_quote", run)

    def _needs(self, method, context):
        if not hasattr(self._make, method):
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "this provider has no such call")

    def Drain(self, request, context):
        return pb.DrainResponse(call=request.call, idle=self._gate.close(context.time_remaining()))


def _fault(op, err):
    if isinstance(err, Fault):
        return pb.Fault(outcome=err.outcome, code=err.code, text=err.text, op=op)
    where = "".join(traceback.format_tb(err.__traceback__))  # the lines of the program, and not what the exception says: it could hold anything
    print(f"{type(err).__name__} in the provider's code ({op})\n{where}", file=sys.stderr, flush=True)
    return pb.Fault(code="internal", text="the provider's code failed", op=op)


# --- the process ---


def serve(provider):
    """Runs this process as a plugin until its host ends it."""
    if os.environ.get(COOKIE[0]) != COOKIE[1]:
        sys.exit("this program is a plugin of Jalur: name its path in a configuration (providers: ... plugin: ...), and the gateway starts it")
    if "1" not in os.environ.get("PLUGIN_PROTOCOL_VERSIONS", "1").split(","):
        sys.exit("the host speaks no version of the plugin protocol that this plugin knows")
    handshake = os.dup(1)
    os.dup2(2, 1)  # whatever prints from now on prints to the log
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # the host decides
    limits = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(THREADS), options=limits)
    rpc.add_ProviderServicer_to_server(_Service(provider), server)
    server.add_generic_rpc_handlers(_go_plugin())
    folder = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp()
    path, certificate = os.path.join(folder, "plugin"), _listen(server, os.path.join(folder, "plugin"))
    server.start()
    os.write(handshake, f"1|1|unix|{path}|grpc|{certificate}\n".encode())
    while os.read(0, 4096):
        pass  # the host holds the other end, and nobody writes to it: its end is the host's
    os._exit(0)


def _go_plugin():
    """The two services that the host's library asks for: is it well, and end it. Both have messages of a few bytes."""
    serving = b"\x08\x01"

    def unary(run):
        return grpc.unary_unary_rpc_method_handler(run, request_deserializer=None, response_serializer=None)

    return (
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": unary(lambda request, context: serving)}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": unary(lambda request, context: os._exit(0))}),
    )


def _listen(server, path):
    """Listens, and gives our certificate as the handshake tells it. Both sides show one that only the other knows."""
    theirs = os.environ.get("PLUGIN_CLIENT_CERT")
    if not theirs:
        server.add_insecure_port("unix:" + path)  # a debugger's host has none
        return ""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pair = (private, certificate.public_bytes(pem))
    server.add_secure_port("unix:" + path, grpc.ssl_server_credentials([pair], theirs.encode(), require_client_auth=True))
    return b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode().rstrip("=")
