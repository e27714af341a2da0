"""Requests already answered: the same key again gets the first answer, not a second effect.

Owns `answered_requests`.
"""
