"""What is taken: names, strengths, forms, units.

Owns `medicines`. How much is left is not here but in `inventory`.
"""
