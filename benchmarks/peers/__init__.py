"""What people would use instead, written honestly: each writes the same committed rows as we do, one way or another."""
