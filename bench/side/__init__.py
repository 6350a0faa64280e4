# SPDX-License-Identifier: Apache-2.0
"""Servers side by side under the same load: who is measured, what is measured, and the loads."""
