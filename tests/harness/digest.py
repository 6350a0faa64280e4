# SPDX-License-Identifier: Apache-2.0
"""The phone's side of digest authentication (RFC 7616), made of hashlib alone."""
import hashlib
import re

from .message import token

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def digest(algorithm, *parts):
    return HASHES[algorithm](":".join(parts).encode()).hexdigest()


def account_lines(realm, **passwords):
    """The lines of an account file for these users, with a hash of each algorithm."""
    return "".join(f"{user}:{realm}:{digest(algorithm, user, realm, password)}\n"
                   for user, password in passwords.items() for algorithm in HASHES)


def parameters(value):
    return {name.lower(): quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', value)}


def challenge_in(response, algorithm="SHA-256"):
    """The parameters of the challenge by that algorithm in a 401 or 407."""
    asked = response.all("Proxy-Authenticate" if response.status == 407 else "WWW-Authenticate")
    return next(c for c in map(parameters, asked) if c["algorithm"] == algorithm)


def credentials_value(challenge, request, user, password, count=1):
    """The value of Authorization or Proxy-Authorization that answers a challenge for this request."""
    algorithm, nonce = challenge["algorithm"], challenge["nonce"]
    method, uri = request.first_line.split(" ")[:2]
    nc, cnonce = f"{count:08x}", token(8)
    answer = digest(algorithm, digest(algorithm, user, challenge["realm"], password), nonce, nc, cnonce, "auth",
                    digest(algorithm, method, uri))
    return (f'Digest username="{user}", realm="{challenge["realm"]}", nonce="{nonce}", uri="{uri}", response="{answer}", '
            f"algorithm={algorithm}, cnonce=\"{cnonce}\", qop=auth, nc={nc}")


def credentials(request, response, user, password, *, algorithm="SHA-256", count=1):
    """The header line that answers the challenge of a 401 or 407."""
    value = credentials_value(challenge_in(response, algorithm), request, user, password, count)
    return ("Proxy-Authorization" if response.status == 407 else "Authorization", value)


def retry(endpoint, request, refused, user, password, **more):
    """The same request in a new transaction, with credentials (RFC 3261 8.1.3.5)."""
    again = endpoint.request(*request.first_line.split(" ")[:2], to=re.search("<(.*)>", request.get("To"))[1],
                             call_id=request.get("Call-ID"), cseq=int(request.get("CSeq").split()[0]) + 1,
                             contact=request.get("Contact"))
    again.headers.append(credentials(again, refused, user, password, **more))
    return again


class Account:
    """Signs requests with one challenge after another count of its nonce, as a phone does that has been asked once."""

    def __init__(self, challenge, user, password):
        self._challenge, self._user, self._password, self._count = challenge, user, password, 0

    def sign(self, request, header="Proxy-Authorization"):
        self._count += 1
        request.headers.append((header, credentials_value(self._challenge, request, self._user, self._password, self._count)))
        return request
