"""Nodes that compute."""

from videoflow.processors.identity_processor import IdentityProcessor
from videoflow.processors.joiner_processor import JoinerProcessor

__all__ = ["IdentityProcessor", "JoinerProcessor"]
