"""HTTPS: certificates that openssl makes, and gateways that show them."""

import hashlib
import http.client
import os
import re
import socket
import ssl

from .child import run
from .gateway import Gateway
from .http import Wire
from .waiting import PATIENCE

ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("-newkey", "rsa:2048")


class Certificate:
    """A certificate for 127.0.0.1 and localhost that signs itself, and its key, in two files."""

    def __init__(self, folder, name="certificate", kind=ELLIPTIC, passphrase=None):
        self.file, self.key = folder / f"{name}.pem", folder / f"{name}-key.pem"
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
        lock = ("-passout", f"pass:{passphrase}") if passphrase else ("-nodes",)
        words = ("openssl", "req", "-x509", *kind, *lock, "-days", "30", "-subj", f"/CN={name}", "-addext", names)
        made = run([*words, "-keyout", self.key, "-out", self.file])
        assert made.returncode == 0, made.stderr

    def fingerprint(self):
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.file.read_text())).hexdigest()

    def serial(self):
        """As openssl prints it."""
        printed = run(["openssl", "x509", "-in", self.file, "-noout", "-serial"]).stdout.decode()
        return re.fullmatch(r"serial=([0-9A-F]+)\n", printed)[1]

    def replace(self, other):
        """Put another certificate and its key into these files, as a renewal does."""
        for mine, new in ((self.file, other.file), (self.key, other.key)):
            staged = mine.with_suffix(".new")
            staged.write_bytes(new.read_bytes())
            os.replace(staged, mine)


def trusting(*certificates):
    """A client's context that takes these certificates alone."""
    context = ssl.create_default_context()
    for certificate in certificates:
        context.load_verify_locations(certificate.file)
    return context


class SecureWire(Wire):
    """As `Wire`, within TLS."""

    def __init__(self, address, context, timeout=PATIENCE):
        super().__init__(address, timeout)
        self._reader.close()
        self.socket = context.wrap_socket(self.socket, server_hostname=address[0])
        self._reader = self.socket.makefile("rb")

    def fingerprint(self):
        """Of the certificate that the server showed."""
        return hashlib.sha256(self.socket.getpeercert(binary_form=True)).hexdigest()

    def half_close(self):
        """End sending below TLS, which has not been told."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as below:
            below.shutdown(socket.SHUT_WR)


class SecureGateway(Gateway):
    """A running gateway that speaks HTTPS; its clients trust the certificate that it began with."""

    def __init__(self, certificate, *options, **more):
        super().__init__("--tls-certificate", certificate.file, "--tls-key", certificate.key, *options, **more)
        self.context = trusting(certificate)

    def wire(self, context=None):
        return SecureWire(self.http, context or self.context)

    def connection(self):
        return http.client.HTTPSConnection(*self.http, timeout=PATIENCE, context=self.context)
