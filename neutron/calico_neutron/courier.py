"""Hands changes over in the background, in each process by a thread of its own, which starts with the first change there."""
import os
import queue
import threading

from oslo_log import log

from calico_neutron import outbox
from calico_neutron import service

LOG = log.getLogger(__name__)


class Courier:
    def __init__(self):
        self._lock = threading.Lock()
        self._pid = None
        self._queue = None

    def take(self, objects):
        """(kind, id) each, of a transaction that is committed. Never raises: the rows are there, whatever happens here."""
        try:
            for item in objects:
                self._own_queue().put(item)
        except Exception:
            LOG.exception("changes wait for the next round")

    def _own_queue(self):
        with self._lock:
            # After a fork the parent's thread is not here.
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._queue = queue.Queue()
                threading.Thread(target=self._run, args=(self._queue,), daemon=True, name="calico-courier").start()
            return self._queue

    @staticmethod
    def _run(waiting):
        while True:
            item = waiting.get()
            try:
                outbox.hand_over(*item)
            except service.Unanswered as error:
                LOG.warning("calico-openstack does not answer, %s %s waits: %s", item[0], item[1], error)
            except Exception:
                LOG.exception("%s %s waits", item[0], item[1])
