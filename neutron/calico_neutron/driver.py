"""The ML2 mechanism driver `calico`."""
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api
from oslo_log import log

from calico_neutron import changes
from calico_neutron import config
from calico_neutron import outbox
from calico_neutron import reports
from calico_neutron import service
from calico_neutron.courier import Courier

LOG = log.getLogger(__name__)

# Felix answers every neighbour request of an instance; all of them see the same gateway, wherever they run.
GATEWAY_MAC = "00:61:fe:ed:ca:fe"


class CalicoDriver(api.MechanismDriver):
    def initialize(self):
        config.register()
        self._courier = Courier()
        outbox.ensure_table()
        changes.subscribe(self._courier)

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_LEGACY

    def get_workers(self):
        return [reports.Worker()]

    def bind_port(self, context):
        """Not at all where the host's Felix is not alive, or where nobody would tell it of the port: Nova takes another host."""
        if context.current.get(portbindings.VNIC_TYPE, portbindings.VNIC_NORMAL) != portbindings.VNIC_NORMAL:
            return
        if not any(agent["alive"] for agent in context.host_agents(reports.AGENT_TYPE)):
            LOG.warning("port %s is not bound: no Felix is alive on host %s", context.current["id"], context.host)
            return
        if not service.is_there():
            LOG.error("port %s is not bound: calico-openstack does not answer", context.current["id"])
            return
        for segment in context.segments_to_bind:
            if segment[api.NETWORK_TYPE] in (constants.TYPE_LOCAL, constants.TYPE_FLAT):
                details = {
                    portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity,
                    portbindings.CAP_PORT_FILTER: True,
                    "mac_address": GATEWAY_MAC,
                }
                context.set_binding(segment[api.ID], portbindings.VIF_TYPE_TAP, details)
                return

    def create_port_precommit(self, context):
        self._note_port(context)

    def update_port_precommit(self, context):
        self._note_port(context)

    def delete_port_precommit(self, context):
        self._note_port(context)

    def create_network_precommit(self, context):
        self._note(context, [("network", context.current["id"])])

    def update_network_precommit(self, context):
        self._note(context, [("network", context.current["id"])])

    def delete_network_precommit(self, context):
        self._note(context, [("network", context.current["id"])])

    def create_subnet_precommit(self, context):
        self._note(context, self._subnet(context))

    def update_subnet_precommit(self, context):
        objects = self._subnet(context)
        if context.current["gateway_ip"] != context.original["gateway_ip"]:
            objects += changes.ports_on_subnet(context._plugin_context, context.current["id"])
        self._note(context, objects)

    def delete_subnet_precommit(self, context):
        self._note(context, self._subnet(context))

    @staticmethod
    def _subnet(context):
        # A network's agents are told of its subnets' ways of address configuration, too.
        return [("subnet", context.current["id"]), ("network", context.current["network_id"])]

    def _note_port(self, context):
        self._note(context, [("port", context.current["id"])])

    def _note(self, context, objects):
        outbox.note(context._plugin_context, objects, self._courier.take)
