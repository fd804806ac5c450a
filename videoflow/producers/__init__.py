"""Nodes that read a source; each is one stream."""

from videoflow.producers.int_producer import IntProducer

__all__ = ["IntProducer"]
