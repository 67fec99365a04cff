"""tlslite-ng as one end of TLS, in its own process: `tls_engine.py server|client CERTIFICATE_AND_KEY NAME`.

A line of JSON in (`records` to take, `say` to send, both in hexadecimal) gives a line out: `records` to carry, what was
`said`, whether TLS is `established`, the `version`, and the `problem` that ended it.
"""

from __future__ import annotations

import errno
import json
import sys
from hashlib import sha256
from pathlib import Path

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey

READ_MAX = 1 << 14


class Memory:
    """The socket that tlslite wants: octets in and out, and no waiting."""

    def __init__(self):
        self.incoming, self.outgoing = bytearray(), bytearray()

    def recv(self, size):
        if not self.incoming:
            raise OSError(errno.EWOULDBLOCK, "nothing is there")
        taken = bytes(self.incoming[:size])
        del self.incoming[:size]
        return taken

    def send(self, data):
        self.outgoing += data
        return len(data)

    def sendall(self, data):
        self.send(data)

    def close(self):
        pass


class Engine:
    def __init__(self, role, pem, name):
        chain = X509CertChain()
        chain.parsePemList(pem)
        key = parsePEMKey(pem, private=True)
        self.memory = Memory()
        self.tls = TLSConnection(self.memory)
        self.established, self.problem, self.reading = False, "", None
        settings = HandshakeSettings()
        # the client of 0.8.2 compresses its certificate unasked, which OpenSSL refuses
        settings.certificate_compression_send = settings.certificate_compression_receive = []
        if role == "server":
            self.steps = self.tls.handshakeServerAsync(certChain=chain, privateKey=key, reqCert=True, settings=settings)
        else:
            self.steps = self.tls.handshakeClientCert(chain, key, settings=settings, serverName=name, async_=True)

    def turn(self, records, say):
        self.memory.incoming += records
        said = bytearray()
        try:
            if not self.established:
                self.established = all(step != 0 for step in self.steps)
            if self.established:
                said += self._read()
                for _ in self.tls.writeAsync(say) if say else ():
                    pass
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"
        answer = bytes(self.memory.outgoing)
        self.memory.outgoing.clear()
        shown = {"records": answer.hex(), "said": said.hex(), "established": self.established, "problem": self.problem}
        return {**shown, "version": ".".join(map(str, self.tls.version)), "peer": self._peer()}

    def _read(self):
        said = bytearray()
        while True:
            self.reading = self.reading or self.tls.readAsync(READ_MAX, 1)
            for piece in self.reading:
                if piece == 0:
                    return said
                if piece != 1:
                    said += piece
            self.reading = None

    def _peer(self):
        session = self.tls.session
        chain = session and (session.serverCertChain if self.tls._client else session.clientCertChain)
        return sha256(chain.x509List[0].bytes).hexdigest() if chain else ""


def main():
    role, file, name = sys.argv[1:]
    engine = Engine(role, Path(file).read_text(), name)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(engine.turn(bytes.fromhex(asked["records"]), bytes.fromhex(asked["say"]))), flush=True)


if __name__ == "__main__":
    main()
