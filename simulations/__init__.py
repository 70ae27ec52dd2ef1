"""Simulations of what no test can run: fleets of a million accounts."""
