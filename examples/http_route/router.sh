#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An application for http_route() (docs/http-route.md) as a CGI program: any web server can run it. It needs jq, which reads the question and
# writes the answer, so that nothing of what a caller sent is ever a part of a command. To try it with Python's server:
#
#   mkdir -p /tmp/router/cgi-bin && cp examples/http_route/router.sh /tmp/router/cgi-bin/
#   python3 -m http.server --cgi --bind 127.0.0.1 --directory /tmp/router 8080
#   http_route("http://127.0.0.1:8080/cgi-bin/router.sh")
printf 'Content-Type: application/json\r\n\r\n'
head -c "${CONTENT_LENGTH:-0}" | jq -c '
  (.uri | capture("^[a-z]+:(?<user>[^@;]*)").user) as $number
  | if $number == "200" then
      {action: "relay", to: ["sip:alice@127.0.0.1:5061", "sip:bob@127.0.0.1:5062"], headers: {"X-Group": $number}}
    elif $number == "300" then {action: "redirect", to: ["sip:carol@example.net"]}
    elif $number == "400" then {action: "reply", status: 480, reason: "Closed", headers: {"Retry-After": "3600"}}
    else {action: "continue"} end'
