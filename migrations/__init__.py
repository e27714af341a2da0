"""Alembic's migrations, numbered in four digits; `.current-head` turns two heads into a merge conflict."""
