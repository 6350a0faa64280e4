# SPDX-License-Identifier: Apache-2.0
"""Debian's kamailio in the place of tandemd: shows that the harness asks nothing that another server cannot do."""
import pathlib

from .server import ROOT, Server, udp_is_bound

_MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules"


class Kamailio(Server):
    """Takes the folder's kamailio.cfg whatever script it is given; one shard only."""

    program = "kamailio"

    def _with_prologue(self, script, more):
        own = (ROOT / "tests/scripts/kamailio.cfg").read_text()
        return (f"#!KAMAILIO\nlisten=udp:{self.host}:{self.port}\nlisten=tcp:{self.host}:{self.port}\n"
                f'alias="example.test"\n{own}')

    def _command(self, options):
        return ["/usr/sbin/kamailio", "-f", self.config, "-DD", "-E", "-e", "-L", _MODULES, "-Y", pathlib.Path(self.config).parent,
                "-m", "64", "-M", "8"]

    def finish(self):
        try:
            assert self.is_alive() and udp_is_bound(self.port), self.log()
        finally:
            self.kill()  # it does not always end on TERM while TCP peers go away
