"""Modals: when a reply is one, and what it shows."""

from policies.modal.policy import ModalHeuristics

__all__ = ["ModalHeuristics"]
