"""Switching: a process that serves one of several networks, and changes which one as load and conditions move."""
