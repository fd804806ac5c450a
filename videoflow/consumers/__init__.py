"""Nodes at the end of a branch: they write, print and send."""

from typing import TYPE_CHECKING

from videoflow.consumers.commandline_consumer import CommandlineConsumer
from videoflow.consumers.file_appender_consumer import FileAppenderConsumer
from videoflow.consumers.void_consumer import VoidConsumer
from videoflow.exports import lazy_exports

if TYPE_CHECKING:
    from videoflow.consumers.webhook_consumer import WebhookConsumer
else:  # a module of its own is slow to import: it is, when its name is first used
    __getattr__ = lazy_exports(__name__, {"WebhookConsumer": "webhook_consumer"})

__all__ = ["CommandlineConsumer", "FileAppenderConsumer", "VoidConsumer", "WebhookConsumer"]
