# SPDX-License-Identifier: Apache-2.0
"""What the tests of more than one process share: servers, phones, SIPp, and SIP peers made of plain sockets.

Everything here stays on the loopback, waits for conditions and never for a time, and ends only what it started.
"""
