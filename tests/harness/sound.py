# SPDX-License-Identifier: Apache-2.0
"""A tone for phones to send: one second of 440 Hz, 16 bit, 8 kHz, mono."""
import math
import struct
import wave


def write_tone(path, seconds=1, rate=8000, hertz=440):
    samples = (int(8000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(rate * seconds))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path
