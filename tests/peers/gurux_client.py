"""The peer: gurux-dlms's client, driven over standard input. Run by the peers' interpreter, in its own process;
an argument names the core that it shall keep to.

A line in is one JSON object with `do`; a line out that begins with `> ` is its answer, {"ok": ...} or {"error": ...}.
Other lines are what the library prints by itself.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import sys
import termios
import time
import tty
from datetime import datetime
from typing import Any

from gurux_dlms import GXByteBuffer, GXDateTime, GXReplyData
from gurux_dlms.ecdsa.GXPrivateKey import GXPrivateKey
from gurux_dlms.ecdsa.GXPublicKey import GXPublicKey
from gurux_dlms.enums import Authentication, Conformance, DataType, InterfaceType, ObjectType, Security
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from gurux_dlms.objects import GXDLMSImageTransfer, GXDLMSObject, GXDLMSProfileGeneric
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.secure import GXDLMSSecureClient

AUTHENTICATIONS = {
    "none": Authentication.NONE,
    "lls": Authentication.LOW,
    "hls2": Authentication.HIGH,
    "hls3": Authentication.HIGH_MD5,
    "hls4": Authentication.HIGH_SHA1,
    "hls5": Authentication.HIGH_GMAC,
    "hls6": Authentication.HIGH_SHA256,
    "hls7": Authentication.HIGH_ECDSA,
}
SECURITIES = {
    "authentication": Security.AUTHENTICATION,
    "encryption": Security.ENCRYPTION,
    "both": Security.AUTHENTICATION_ENCRYPTION,
}
FRAMINGS = {"wrapper": InterfaceType.WRAPPER, "hdlc": InterfaceType.HDLC}
LOAD_PROFILE = "1.0.99.1.0.255"


class Line:
    """A serial line or pty, used like a socket."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._file, termios.TCSANOW)

    def sendall(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]

    def recv(self, size: int) -> bytes:
        ready, _, _ = select.select([self._file], [], [], 20)
        if not ready:
            raise TimeoutError("nothing came over the line")
        return os.read(self._file, size)

    def close(self) -> None:
        os.close(self._file)


def opened(settings: dict[str, Any]) -> Any:
    """The link that the settings name."""
    if "line" in settings:
        return Line(settings["line"])
    link = socket.create_connection((settings["host"], settings["port"]), timeout=20)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


class Peer:
    """One association over one link."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.names: dict[str, int] = {}
        self.link = opened(settings)
        self.client = self._client()
        try:
            self._associate()
        except BaseException:
            self.link.close()
            raise

    def _client(self) -> GXDLMSSecureClient:
        settings = self.settings
        authentication = AUTHENTICATIONS[settings.get("authentication", "none")]
        password = settings.get("password")
        framing = FRAMINGS[settings.get("framing", "wrapper")]
        if "password_hex" in settings:
            password = bytes.fromhex(settings["password_hex"])
        client = GXDLMSSecureClient(
            settings.get("referencing", "ln") == "ln",
            settings.get("client_sap", 16),
            settings.get("server_sap", 1),
            authentication,
            password,
            framing,
        )
        if "system_title" in settings:
            client.ciphering.systemTitle = bytearray.fromhex(settings["system_title"])
        if "suite" in settings:
            client.ciphering.securitySuite = SecuritySuite(settings["suite"])
        if "signing" in settings:
            public, private = settings["signing"]
            client.ciphering.signingKeyPair = (
                GXPublicKey.fromDer(base64.b64encode(bytes.fromhex(public)).decode()),
                GXPrivateKey.fromDer(base64.b64encode(bytes.fromhex(private)).decode()),
            )
        if "block_cipher_key" in settings:
            _cipher(client, settings)
        if "max_receive_pdu_size" in settings:
            client.maxReceivePDUSize = settings["max_receive_pdu_size"]
        if settings.get("read_in_blocks"):
            client.proposedConformance |= Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
        if "block_window" in settings:
            client.proposedConformance |= Conformance.GENERAL_BLOCK_TRANSFER
            client.gbtWindowSize = settings["block_window"]
            type(client.settings).blockNumber = property(lambda made: made.blockIndex)  # read there, never made
        return client

    def _associate(self) -> None:
        client = self.client
        snrm = client.snrmRequest()
        if snrm:
            client.parseUAResponse(self._exchange(snrm).data)
        client.parseAareResponse(self._exchange_all(client.aarqRequest()).data)
        if client.isAuthenticationRequired:
            reply = self._exchange_all(client.getApplicationAssociationRequest())
            client.parseApplicationAssociationResponse(reply.data)

    def objects(self) -> list[list[Any]]:
        """The object list as the library parses it; with short names, what later reads go by."""
        reply = self._exchange_all(self.client.getObjectsRequest())
        found = self.client.parseObjects(reply.data, False, False)
        self.names = {f"{int(item.objectType)} {item.logicalName}": item.shortName for item in found}
        return [[int(item.objectType), item.logicalName] for item in found]

    def read(self, class_id: int, obis: str, attribute: int) -> GXReplyData:
        """Any attribute."""
        return self._exchange_all(self.client.read(self._object(class_id, obis), attribute))

    def read_list(self, wanted: list[list[Any]]) -> GXReplyData:
        """Several attributes in one request."""
        items = [(self._object(class_id, obis), attribute) for class_id, obis, attribute in wanted]
        return self._each(self.client.readList(items))

    def write(self, class_id: int, obis: str, attribute: int, octets: str) -> None:
        """Write an octet-string."""
        item = self._object(class_id, obis)
        item.setDataType(attribute, DataType.OCTET_STRING)
        item.getValue = lambda _settings, _event: bytearray.fromhex(octets)
        self._each(self.client.write(item, attribute))

    def _object(self, class_id: int, obis: str) -> GXDLMSObject:
        made = _object(class_id, obis)
        made.shortName = self.names.get(f"{class_id} {obis}", 0)
        return made

    def rows_by_range(self, obis: str, start: str, end: str) -> GXReplyData:
        """Rows of a profile between two instants (ISO, with zone)."""
        times = (GXDateTime(datetime.fromisoformat(text)) for text in (start, end))
        return self._exchange_all(self.client.readRowsByRange(GXDLMSProfileGeneric(obis), *times))

    def rows_by_entry(self, obis: str, first: int, count: int) -> GXReplyData:
        """Rows of a profile from number `first` (1 is the oldest) on."""
        return self._exchange_all(self.client.readRowsByEntry(GXDLMSProfileGeneric(obis), first, count))

    def image(self, obis: str, identifier: str, block_size: int, image: str) -> GXReplyData:
        """Transfer, verify and activate an image (hex), in the library's own way."""
        item = GXDLMSImageTransfer(obis)
        item.imageBlockSize = block_size
        octets = bytes.fromhex(image)
        self._each(item.imageTransferInitiate(self.client, identifier, len(octets)))
        self._each(item.imageBlockTransfer(self.client, octets, [0]))
        self._each(item.imageVerify(self.client))
        return self._each(item.imageActivate(self.client))

    def execute(self, obis: str, script: int) -> GXReplyData:
        """Run a script of a script table."""
        return self._each(self.client.method(_object(9, obis), 1, script, DataType.UINT16))

    def release(self) -> None:
        """End the association, the framing's connection and the link."""
        request = self.client.releaseRequest()
        if request:
            self._exchange_all(request)
        if self.client.interfaceType == InterfaceType.HDLC:
            self._exchange(self.client.disconnectRequest(True))
        self.link.close()

    def _each(self, requests: Any) -> GXReplyData:
        """Requests that may be lists of the frames of one request."""
        reply = GXReplyData()
        for request in requests:
            reply = self._exchange_all(request)
        return reply

    def _exchange_all(self, requests: Any) -> GXReplyData:
        reply = GXReplyData()
        for request in requests if isinstance(requests, list) else [requests]:
            reply = self._exchange(request)
        return reply

    def _exchange(self, request: bytes) -> GXReplyData:
        reply = GXReplyData()
        self._frame(request, reply)
        while reply.isMoreData():
            more = None if reply.isStreaming() else self.client.receiverReady(reply)
            self._frame(more, reply)
        if reply.error:
            raise RuntimeError(f"the meter answers {reply.error}")
        return reply

    def _frame(self, request: bytes | None, reply: GXReplyData) -> None:
        if request is not None:
            self.link.sendall(bytes(request))
        received = GXByteBuffer()
        notify = GXReplyData()
        while not self.client.getData(received, reply, notify):
            piece = self.link.recv(65536)
            if not piece:
                raise ConnectionError("the meter ended the connection")
            received.set(piece)


def _cipher(client: GXDLMSSecureClient, settings: dict[str, Any]) -> None:
    """Give the client its keys."""
    ciphering = client.ciphering
    ciphering.security = SECURITIES[settings["security"]] if "security" in settings else SECURITIES["both"]
    if settings.get("plain"):  # keys for GMAC alone
        ciphering.security = Security.NONE
    if "dedicated_key" in settings:
        ciphering.dedicatedKey = bytearray.fromhex(settings["dedicated_key"])
    if settings.get("general"):
        client.proposedConformance |= Conformance.GENERAL_PROTECTION
    ciphering.blockCipherKey = bytearray.fromhex(settings["block_cipher_key"])
    ciphering.authenticationKey = bytearray.fromhex(settings["authentication_key"])
    ciphering.invocationCounter = settings.get("invocation_counter", 1)


def _object(class_id: int, obis: str) -> GXDLMSObject:
    made = GXDLMSObject(ObjectType(class_id), obis, 0)
    made.logicalName = obis
    return made


def _plain(value: Any) -> Any:
    """A value of the library as JSON."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, GXByteBuffer):
        return bytes(value.array()).hex()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, GXDateTime):
        return str(value.value)
    return value if value is None or isinstance(value, (bool, float, str)) else int(value)


def sessions(settings: dict[str, Any]) -> dict[str, float]:
    """`count` times: connect, associate, read a range of the load profile, release. Wall and processor seconds."""
    counter = settings.get("invocation_counter", 1)
    rows = 0
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(settings["count"]):
        peer = Peer({**settings, "invocation_counter": counter})
        rows += len(peer.rows_by_range(LOAD_PROFILE, settings["from"], settings["to"]).value)
        peer.release()
        counter = peer.client.ciphering.invocationCounter + 1
    return {
        "seconds": time.perf_counter() - wall,
        "processor_s": time.process_time() - processor,
        "rows": rows,
        "invocation_counter": counter,
    }


def decode(settings: dict[str, Any]) -> dict[str, list[float]]:
    """Decode the A-XDR bytes `data` of a profile, `repeat` times: processor seconds of each.

    With `date_times` the first column becomes date-times too, as a reader of profiles needs them.
    """
    raw = bytes.fromhex(settings["data"])
    client = GXDLMSSettings(False, None)
    times = []
    for _ in range(settings["repeat"]):
        start = time.process_time()
        rows = _GXCommon.getData(client, GXByteBuffer(raw), _GXDataInfo())
        if settings.get("date_times"):
            for row in rows:
                row[0] = GXDLMSSecureClient.changeType(row[0], DataType.DATETIME)
        times.append(time.process_time() - start)
        if len(rows) != settings["rows"]:
            raise RuntimeError(f"{len(rows)} rows decoded, {settings['rows']} expected")
    return {"seconds": times}


class Listener:
    """Takes what a meter pushes over TCP, deciphers and parses it in the library's own way."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.port = socket.create_server(("127.0.0.1", 0))
        self.client = GXDLMSSecureClient(True, 103, 1, interfaceType=FRAMINGS[settings.get("framing", "wrapper")])
        ciphering = self.client.ciphering
        ciphering.security = Security.AUTHENTICATION_ENCRYPTION
        ciphering.blockCipherKey = bytearray.fromhex(settings["block_cipher_key"])
        ciphering.authenticationKey = bytearray.fromhex(settings["authentication_key"])

    def heard(self) -> Any:
        """The body of the next push."""
        self.port.settimeout(20)
        link, _ = self.port.accept()
        received, notify = GXByteBuffer(), GXReplyData()
        with link:
            link.settimeout(20)
            while piece := link.recv(65536):
                received.set(piece)
        while notify.value is None:
            before = received.position
            self.client.getData(received, notify, None)
            if notify.value is None and received.position == before:
                raise RuntimeError("the library made nothing of the push")
        return notify.value


class Driver:
    """Does what the lines say."""

    def __init__(self) -> None:
        self.peer: Peer | None = None
        self.listener: Listener | None = None

    def answer(self, command: dict[str, Any]) -> Any:
        """The answer to one command."""
        do = command.pop("do")
        if do in {"sessions", "decode"}:
            return (sessions if do == "sessions" else decode)(command)
        if do == "listen":
            self.listener = Listener(command)
            return self.listener.port.getsockname()[1]
        if do == "heard":
            return None if self.listener is None else _plain(self.listener.heard())
        if do == "associate":
            self.peer = Peer(command)
            return int(self.peer.client.negotiatedConformance)
        if self.peer is None:
            raise RuntimeError("associate first")
        if do == "release":
            self.peer.release()
            self.peer = None
            return None
        reply = getattr(self.peer, do)(**command)
        return _plain(reply.value) if isinstance(reply, GXReplyData) else reply

    def run(self) -> None:
        """Answer line by line until the input ends."""
        for line in sys.stdin:
            try:
                answer = {"ok": self.answer(json.loads(line))}
            except Exception as error:
                where = error.__traceback__
                while where is not None and where.tb_next is not None:
                    where = where.tb_next
                at = "" if where is None else f" in {where.tb_frame.f_code.co_name}, line {where.tb_lineno}"
                answer = {"error": f"{type(error).__name__}: {error}{at}"}
            sys.stdout.write("> " + json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    Driver().run()
