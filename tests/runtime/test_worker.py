from __future__ import annotations

import os
import selectors

from videoflow.runtime.channel import ChannelReader
from videoflow.runtime.worker import Worker


def test_mail_of_a_worker_that_is_gone_is_read_once() -> None:
    """One wake may bring the word that a worker is gone and its last mail, in this order."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    worker = Worker.__new__(Worker)  # of its loop only the mail is of interest
    worker._readers = {1: ChannelReader(reading)}
    worker._selector = selectors.EpollSelector()
    worker._selector.register(reading, selectors.EVENT_READ)
    os.close(writing)

    worker._read_to_the_end(1)
    worker._on_mail(1)

    assert worker._readers[1].is_lost
    worker._selector.close()
