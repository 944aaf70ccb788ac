"""The project: wires things, holds no logic."""
