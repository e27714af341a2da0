"""Is our own clock alive? One row per tick, so that an outage is known and not guessed.

Owns `pulses`, `outages`. A tick is a unique row: any number of beats may send the same second, one wins.
"""
