# SPDX-License-Identifier: Apache-2.0
"""The HTTP port of a program for its operators: commands by JSON-RPC, metrics, health."""
import contextlib
import http.client
import json


class CommandError(Exception):
    """The program refused a command."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class HttpPort:
    """For programs that have self.http_port and self.token."""

    def get(self, path):
        """Status and text of an answer."""
        return self._ask_http("GET", path)[:2]

    def post(self, path, body, content_type="application/json", token=None):
        """Status, text and headers of an answer."""
        headers = {"Content-Type": content_type, "Authorization": f"Bearer {self.token if token is None else token}"}
        return self._ask_http("POST", path, body, headers)

    def _ask_http(self, *request):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)) as connection:
            connection.request(*request)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers

    def call(self, method, *positional, token=None, **arguments):
        """The whole JSON-RPC answer of a command."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(positional) or arguments}
        return json.loads(self.post("/rpc", json.dumps(request), token=token)[1])

    def ask(self, method, *positional, token=None, **arguments):
        """The result of a command; raises CommandError when it is refused."""
        answer = self.call(method, *positional, token=token, **arguments)
        if "error" in answer:
            raise CommandError(answer["error"])
        return answer["result"]

    def metric(self, name):
        """The sum of a metric over its labels."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
