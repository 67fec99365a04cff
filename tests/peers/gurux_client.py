"""The peer: gurux-dlms's client, driven over standard input. Run by the peers' interpreter, in its own process;
an argument names the core that it shall keep to.

A line in is one JSON object with `do`; a line out that begins with `> ` is its answer, {"ok": ...} or {"error": ...}.
Other lines are what the library prints by itself.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from datetime import datetime
from typing import Any

from gurux_dlms import GXByteBuffer, GXDateTime, GXReplyData
from gurux_dlms.enums import Authentication, Conformance, DataType, InterfaceType, ObjectType, Security
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from gurux_dlms.objects import GXDLMSImageTransfer, GXDLMSObject, GXDLMSProfileGeneric
from gurux_dlms.secure import GXDLMSSecureClient

AUTHENTICATIONS = {"none": Authentication.NONE, "lls": Authentication.LOW, "hls5": Authentication.HIGH_GMAC}
FRAMINGS = {"wrapper": InterfaceType.WRAPPER, "hdlc": InterfaceType.HDLC}
LOAD_PROFILE = "1.0.99.1.0.255"


class Peer:
    """One association over one TCP connection."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.link = socket.create_connection((settings["host"], settings["port"]), timeout=20)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
        client = GXDLMSSecureClient(
            True, settings.get("client_sap", 16), settings.get("server_sap", 1), authentication, password, framing
        )
        if "block_cipher_key" in settings:
            ciphering = client.ciphering
            ciphering.security = Security.AUTHENTICATION_ENCRYPTION
            ciphering.systemTitle = bytearray.fromhex(settings["system_title"])
            ciphering.blockCipherKey = bytearray.fromhex(settings["block_cipher_key"])
            ciphering.authenticationKey = bytearray.fromhex(settings["authentication_key"])
            ciphering.invocationCounter = settings.get("invocation_counter", 1)
        if "max_receive_pdu_size" in settings:
            client.maxReceivePDUSize = settings["max_receive_pdu_size"]
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

    def read(self, class_id: int, obis: str, attribute: int) -> GXReplyData:
        """Any attribute."""
        return self._exchange_all(self.client.read(_object(class_id, obis), attribute))

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


class Driver:
    """Does what the lines say."""

    def __init__(self) -> None:
        self.peer: Peer | None = None

    def answer(self, command: dict[str, Any]) -> Any:
        """The answer to one command."""
        do = command.pop("do")
        if do in {"sessions", "decode"}:
            return (sessions if do == "sessions" else decode)(command)
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
        return _plain(reply.value)

    def run(self) -> None:
        """Answer line by line until the input ends."""
        for line in sys.stdin:
            try:
                answer = {"ok": self.answer(json.loads(line))}
            except Exception as error:  # noqa: BLE001  whatever it is, the test has to see it
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write("> " + json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(sys.argv[1])})
    Driver().run()
