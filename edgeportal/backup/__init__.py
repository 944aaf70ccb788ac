"""Backup and restore: one consistent picture of the database, every file by its hash, and a manifest that names both.

Not in it: the secret key, sessions and unused sign-in links, work in progress of runs (they begin again).
"""
