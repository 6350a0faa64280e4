# SPDX-License-Identifier: Apache-2.0
"""How much of a thing that can be tried any number of times: little in `make test`, much in `make soak`."""
import os


def amount(usual, soaking):
    return soaking if os.environ.get("TANDEM_SOAK") else usual
