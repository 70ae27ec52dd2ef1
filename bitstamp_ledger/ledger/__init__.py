"""The ledger: what entries add up to, and the proof that they are complete."""

from bitstamp_ledger.ledger._proof import Difference, Proof, prove, replay

__all__ = ["Difference", "Proof", "prove", "replay"]
