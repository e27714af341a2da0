"""Who: people, how they sign in, and the time zones they have lived in.

Owns `users`, `sessions`, `refresh_tokens`, `time_zone_history`. A person is a `users` row whoever signs in
for them (a dependant has no credentials). `access.identify` is the only door from a token to a person.
"""
