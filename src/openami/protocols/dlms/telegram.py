"""DLMS messages as people meet them: HDLC frames, wrapped APDUs, bare APDUs and bare data, explained."""

from __future__ import annotations

from collections.abc import Sequence

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.decode import Decoded, MessageDecoder
from openami.protocols.dlms.acse import AARE, AARQ
from openami.protocols.dlms.apdu import APDU_TAGS, apdu_name, decode_apdu, explain_apdu
from openami.protocols.dlms.ciphered import Ciphered, GeneralDedCiphering, GeneralGloCiphering
from openami.protocols.dlms.data import DATA
from openami.protocols.dlms.framing import Garbage
from openami.protocols.dlms.general import GeneralCiphering, GeneralSigning, header_octets
from openami.protocols.dlms.general_ciphering import KeyChoice, choice_of
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import LLC_COMMAND, LLC_RESPONSE, Assembly
from openami.protocols.dlms.hdlc.explain import explain_frame, frame_fields
from openami.protocols.dlms.hdlc.frame import FLAG, Frame, FrameKind, decode_frame, encode_frame
from openami.protocols.dlms.hdlc.parameters import decode_parameters
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.dlms.keyring import KeyRing
from openami.protocols.dlms.plain import plain
from openami.protocols.dlms.wrapper import HEADER_SIZE, decode_wrapper
from openami.protocols.wire.cursor import Span
from openami.protocols.wire.declared import explain

LLC = (LLC_COMMAND, LLC_RESPONSE)
CONVERSATIONS_MAX = 64
UNVERIFIED = "NOT VERIFIED: deciphered without checking its tag, as was asked for; anybody may have altered it"


class DlmsDecoder:
    """Reads one message after another; segments of one APDU may come in several messages.

    With `unverified`, what no pair of keys verifies is deciphered without checking its tag, and marked as such: for
    networks that withhold the authentication key. Nothing else in this package does that.
    """

    def __init__(
        self, keys: Sequence[bytes] = (), system_titles: Sequence[bytes] = (), *, unverified: bool = False
    ) -> None:
        self._ring = KeyRing(keys, system_titles)
        self._unverified = unverified
        self._assemblies: dict[tuple[HdlcAddress, HdlcAddress], Assembly] = {}

    def decoders(self) -> tuple[MessageDecoder, ...]:
        """In the order in which detection should ask them."""
        return (
            MessageDecoder("hdlc", self.hdlc, _looks_like_hdlc),
            MessageDecoder("wrapper", self.wrapper, _looks_like_wrapper),
            MessageDecoder("llc", self.llc, lambda data: data[:3] in LLC),
            MessageDecoder("apdu", self.apdu, lambda data: data[:1] != b"" and data[0] in APDU_TAGS),
            MessageDecoder("data", decode_bare_data),
        )

    def hdlc(self, data: bytes) -> Decoded:
        """One frame, or all frames of a piece of a byte stream and the garbage between them."""
        if data[:1] != bytes((FLAG,)):
            return self._frame(decode_frame(data), data)
        parser = HdlcParser()
        events = parser.feed(data) + parser.flush()
        frames = [event for event in events if isinstance(event, Frame)]
        if not frames or len(events) == 1:
            return self._frame(decode_frame(data), data)
        return Decoded("hdlc", "stream", data, {"frames": len(frames)}, inner=tuple(map(self._event, events)))

    def wrapper(self, data: bytes) -> Decoded:
        """One APDU behind the header of the TCP/UDP wrapper."""
        received = decode_wrapper(data)
        fields = {"version": 1, "source": received.source, "destination": received.destination}
        fields["length"] = len(received.apdu)
        spans = tuple(
            Span(at, at + 2, ("Wrapper", name), value)
            for at, (name, value) in zip(range(0, HEADER_SIZE, 2), fields.items(), strict=True)
        )
        return Decoded("wrapper", "wrapped-apdu", data, fields, spans, (self._carried(received.apdu),))

    def llc(self, data: bytes) -> Decoded:
        """One APDU behind the LLC header of HDLC."""
        command = data[:3] == LLC_COMMAND
        if not command and data[:3] != LLC_RESPONSE:
            raise DecodeError(f"LLC header {data[:3].hex()}, expected e6e600 or e6e700", 0, ("Llc",))
        kind = "llc-command" if command else "llc-response"
        return Decoded("llc", kind, data, {}, (Span(0, 3, ("Llc",), kind),), (self._carried(data[3:]),))

    def apdu(self, data: bytes) -> Decoded:
        """One APDU, deciphered if its keys are known."""
        apdu, spans = explain_apdu(data)
        problem, inner = self._protected(apdu)
        return Decoded("dlms", apdu_name(apdu), data, plain(apdu), tuple(spans), inner, problem)

    def _protected(self, apdu: object) -> tuple[str, tuple[Decoded, ...]]:
        problem = "the signature was not verified" if isinstance(apdu, GeneralSigning) else ""
        try:
            if isinstance(apdu, AARQ | AARE):
                return "", self._association(apdu)
            content = self._content(apdu)
            return problem, () if content is None else (self.apdu(content),)
        except SecurityError as error:
            return self._without_its_tag(apdu, error)
        except DecodeError as error:
            return f"deciphered, but {error}", ()

    def _without_its_tag(self, apdu: object, error: SecurityError) -> tuple[str, tuple[Decoded, ...]]:
        if self._unverified and isinstance(apdu, Ciphered | GeneralGloCiphering | GeneralDedCiphering):
            title = None if isinstance(apdu, Ciphered) else apdu.system_title or None
            plaintext = self._ring.open_unverified(apdu.content, title)
            if plaintext is not None:
                return UNVERIFIED, (self.apdu(plaintext),)
        return str(error), ()

    def _content(self, apdu: object) -> bytes | None:
        """The APDU inside a protected one; None if `apdu` is not protected."""
        match apdu:
            case GeneralGloCiphering() | GeneralDedCiphering():
                self._ring.learn(apdu.system_title)
                return self._ring.open(apdu.content, apdu.system_title or None)
            case GeneralCiphering():
                self._ring.learn(apdu.header.originator_system_title)
                return self._general(apdu)
            case GeneralSigning():
                self._ring.learn(apdu.header.originator_system_title)
                return apdu.content
            case Ciphered():
                return self._ring.open(apdu.content)
            case _:
                return None

    def _general(self, apdu: GeneralCiphering) -> bytes:
        """What is inside, if its key is one of ours; keys that are wrapped or agreed cannot be found here."""
        if choice_of(apdu) is not KeyChoice.IDENTIFIED:
            raise SecurityError(f"ciphered under a key that is not given with --key: {choice_of(apdu).value}")
        title = apdu.header.originator_system_title
        return self._ring.open(apdu.ciphered_content, title, additional=header_octets(apdu.header))

    def _association(self, apdu: AARQ | AARE) -> tuple[Decoded, ...]:
        title = apdu.calling_ap_title if isinstance(apdu, AARQ) else apdu.responding_ap_title
        if title is not None:
            self._ring.learn(title)
        information = apdu.user_information
        if information is None or not isinstance(decode_apdu(information), Ciphered):
            return ()  # its meaning stands among the fields of the association's APDU
        return (self.apdu(information),)

    def _event(self, event: Frame | Garbage) -> Decoded:
        if isinstance(event, Garbage):
            return Decoded("hdlc", "garbage", event.data, {"bytes": event.data.hex(), "reason": event.reason})
        return self._frame(event, encode_frame(event))

    def _frame(self, frame: Frame, data: bytes) -> Decoded:
        problem, inner = self._information(frame)
        spans = tuple(explain_frame(frame, data))
        return Decoded("hdlc", frame.kind.value, data, frame_fields(frame, data), spans, inner, problem)

    def _information(self, frame: Frame) -> tuple[str, tuple[Decoded, ...]]:
        if not frame.information:
            return "", ()
        if frame.kind in {FrameKind.SNRM, FrameKind.UA}:
            return _parameters(frame.information)
        if frame.kind not in {FrameKind.I, FrameKind.UI}:
            return "", ()
        try:
            apdu = self._assembly(frame).add(frame.information, segmented=frame.segmented)
        except DecodeError as error:
            self._assemblies.pop((frame.source, frame.destination), None)
            return str(error), ()
        if apdu is None:
            return "first segments of an APDU; the rest follows in later frames", ()
        return "", (self._carried(apdu),)

    def _assembly(self, frame: Frame) -> Assembly:
        pair = (frame.source, frame.destination)
        assembly = self._assemblies.setdefault(pair, Assembly())
        if assembly.open and frame.information[:3] in LLC:
            assembly.drop()
        while len(self._assemblies) > CONVERSATIONS_MAX:
            del self._assemblies[next(iter(self._assemblies))]
        return assembly

    def _carried(self, apdu: bytes) -> Decoded:
        try:
            return self.apdu(apdu)
        except DecodeError as error:
            return Decoded("dlms", "unknown", apdu, {"bytes": apdu.hex()}, problem=str(error))


def decode_bare_data(data: bytes) -> Decoded:
    """One COSEM Data in A-XDR, as an attribute's value stands in an APDU."""
    value, spans = explain(DATA, data)
    return Decoded("dlms", "data", data, plain(value), tuple(spans))


def _looks_like_hdlc(data: bytes) -> bool:
    if data[:1] == bytes((FLAG,)):
        return True
    return len(data) > 8 and data[0] & 0xF0 == 0xA0 and (data[0] & 7) << 8 | data[1] == len(data)


def _looks_like_wrapper(data: bytes) -> bool:
    return len(data) > HEADER_SIZE and data[:2] == b"\x00\x01"


def _parameters(information: bytes) -> tuple[str, tuple[Decoded, ...]]:
    try:
        parameters = decode_parameters(information)
    except DecodeError as error:
        return str(error), ()
    fields = {name: getattr(parameters, name) for name in parameters.__slots__}
    return "", (Decoded("hdlc", "parameters", information, fields),)
