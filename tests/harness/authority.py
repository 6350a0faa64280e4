# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl command."""
import pathlib
import ssl
import subprocess


class Authority:
    """An authority that signs certificates, which are files NAME.pem with their keys NAME.key in a folder."""

    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", self / f"{name}.key", "-out", self.file)

    def __truediv__(self, name):
        return self.folder / name

    @property
    def file(self):
        """What those trust who trust it."""
        return self / f"{self.name}.pem"

    def sign(self, name, holds="IP:127.0.0.1,DNS:localhost", days=2):
        """Makes NAME.pem, which has its key too, and NAME.key. Returns the path of the former."""
        request, extensions = self / f"{name}.csr", self / f"{name}.ext"
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", self / f"{name}.key", "-out", request)
        extensions.write_text(f"subjectAltName={holds}\nbasicConstraints=CA:FALSE\n" if holds else "basicConstraints=CA:FALSE\n")
        fresh = self / f"{name}.new"
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self / f"{self.name}.key", "-CAcreateserial",
                      "-days", days, "-extfile", extensions, "-out", fresh)
        fresh.write_text(fresh.read_text() + (self / f"{name}.key").read_text())
        fresh.rename(self / f"{name}.pem")
        return self / f"{name}.pem"

    def _openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=20)

    def client(self, certificate=None):
        """A context that trusts it."""
        context = ssl.create_default_context(cafile=str(self.file))
        if certificate:
            context.load_cert_chain(certificate)
        return context

    def server(self, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context
