"""`pillio demo`: the life of a dose, played with a made-up person on a stack of its own, told as it happens.

It is a visitor: it speaks HTTP to Pillio, reads the live stream, catches the mail, and imports nothing of the engine.
The newcomer's data, ports, mail and `.env` are not touched. A step that does not hold is a `Refusal`.
"""
