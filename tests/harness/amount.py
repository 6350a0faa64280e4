# SPDX-License-Identifier: Apache-2.0
"""How much of a thing that can be tried any number of times: little in `make test`, much in `make soak`."""
import os

IS_SOAKING = bool(os.environ.get("TANDEM_SOAK"))


def amount(usual, soaking):
    return soaking if IS_SOAKING else usual
