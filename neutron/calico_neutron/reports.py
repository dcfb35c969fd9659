"""A process of Neutron's that hands over what others left behind, and applies what hosts report: only Neutron itself can."""
import concurrent.futures
import threading
import time
import urllib.parse

from neutron.db import models_v2
from neutron.plugins.ml2 import models as ml2_models
from neutron_lib import constants
from neutron_lib import context as n_context
from neutron_lib import worker
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory
from oslo_config import cfg
from oslo_log import log
from oslo_utils import timeutils

from calico_neutron import outbox
from calico_neutron import service

LOG = log.getLogger(__name__)

AGENT_TYPE = "Calico per-host agent (felix)"
_ROUND_SECONDS = 3
_WAIT_SECONDS = 20
_STATUSES = {
    "ACTIVE": constants.PORT_STATUS_ACTIVE,
    "DOWN": constants.PORT_STATUS_DOWN,
    "ERROR": constants.PORT_STATUS_ERROR,
}


class Worker(worker.BaseWorker):
    def __init__(self):
        super().__init__(worker_process_count=1, desc="calico")
        self._ended = threading.Event()

    def start(self):
        super().start(desc="calico")
        for task in (self._hand_over, self._apply):
            threading.Thread(target=self._repeat, args=(task,), daemon=True).start()

    def wait(self):
        pass

    def stop(self):
        self._ended.set()

    def reset(self):
        pass

    def _repeat(self, task):
        state = {}
        while not self._ended.is_set():
            try:
                task(state)
            except service.Unanswered as error:
                LOG.warning("calico-openstack does not answer: %s", error)
                time.sleep(_ROUND_SECONDS)
            except Exception:
                LOG.exception("it is tried again")
                time.sleep(_ROUND_SECONDS)

    @staticmethod
    def _hand_over(_state):
        for kind, object_id in outbox.older_than(_ROUND_SECONDS):
            outbox.hand_over(kind, object_id)
        time.sleep(_ROUND_SECONDS)

    @staticmethod
    def _apply(state):
        seen = {"epoch": state.get("epoch", ""), "after": state.get("after", 0), "wait": _WAIT_SECONDS}
        news = service.ask("GET", "/v1/reports?" + urllib.parse.urlencode(seen), timeout=_WAIT_SECONDS + 10)
        context = n_context.get_admin_context()
        for report in news["agents"]:
            _agent(context, report)
        _ports(context, news["ports"])
        state.update(epoch=news["epoch"], after=news["last"])


def _agent(context, report):
    reported = timeutils.parse_isotime(report["time"])
    if timeutils.is_older_than(reported, cfg.CONF.agent_down_time):
        return
    state = {
        "agent_type": AGENT_TYPE,
        "binary": "calico-felix",
        "host": report["host"],
        "topic": constants.L2_AGENT_TOPIC,
        "configurations": {},
    }
    if report["first_update"]:
        state["start_flag"] = True
    directory.get_plugin().create_or_update_agent(context, state, timeutils.utcnow())


def _ports(context, reports):
    """Only what differs, and only from the host that the port is bound to."""
    latest = {(report["port"], report["host"]): _STATUSES[report["status"]] for report in reports}
    if not latest:
        return
    binding = ml2_models.PortBinding
    with db_api.CONTEXT_READER.using(context):
        query = context.session.query(models_v2.Port.id, models_v2.Port.status, binding.host)
        query = query.join(binding, binding.port_id == models_v2.Port.id)
        present = query.filter(models_v2.Port.id.in_({port for port, _ in latest})).all()
    differing = [
        (port, latest[(port, host)], host)
        for port, status, host in present
        if latest.get((port, host), status) != status
    ]

    def apply(item):
        port, status, host = item
        try:
            directory.get_plugin().update_port_status(n_context.get_admin_context(), port, status, host)
        except Exception:
            LOG.exception("port %s is not %s", port, status)

    with concurrent.futures.ThreadPoolExecutor(cfg.CONF.calico.num_port_status_threads) as threads:
        list(threads.map(apply, differing))
