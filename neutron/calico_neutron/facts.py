"""All that the service needs to know of an object, as it is in Neutron's database now."""
from neutron_lib import context as n_context
from neutron_lib import exceptions
from neutron_lib.db import api as db_api
from neutron_lib.plugins import constants
from neutron_lib.plugins import directory


def of(kind, object_id):
    """The facts; None for what does not exist (any more)."""
    context = n_context.get_admin_context()
    try:
        with db_api.CONTEXT_READER.using(context):
            return _READERS[kind](context, directory.get_plugin(), object_id)
    except exceptions.NotFound:
        return None


def _port(context, plugin, port_id):
    port = plugin.get_port(context, port_id)
    subnet_ids = list({ip["subnet_id"] for ip in port["fixed_ips"]})
    group_ids = port.get("security_groups") or []
    l3 = directory.get_plugin(constants.L3)
    subnets = plugin.get_subnets(context, filters={"id": subnet_ids}) if subnet_ids else []
    groups = plugin.get_security_groups(context, filters={"id": group_ids}) if group_ids else []
    return {
        "port": port,
        "subnets": [_only(subnet, "id", "ip_version", "gateway_ip") for subnet in subnets],
        "security_groups": [_only(group, "id", "name") for group in groups],
        "floatingips": l3.get_floatingips(context, filters={"port_id": [port_id]}) if l3 else [],
    }


def _security_group(context, plugin, group_id):
    group = plugin.get_security_group(context, group_id)
    rules = group["security_group_rules"]
    wanted = {rule.get("remote_address_group_id") for rule in rules} - {None}
    groups = plugin.get_address_groups(context, filters={"id": list(wanted)}) if wanted else []
    return {"security_group": group, "address_groups": [_only(g, "id", "addresses") for g in groups]}


def _subnet(context, plugin, subnet_id):
    return plugin.get_subnet(context, subnet_id)


def _network(context, plugin, network_id):
    network = plugin.get_network(context, network_id)
    subnets = plugin.get_subnets(context, filters={"network_id": [network_id]})
    facts = {name: network.get(name) for name in ("id", "mtu", "dns_domain", "revision_number")}
    return {"network": facts, "subnets": [_only(subnet, "id", "ipv6_ra_mode") for subnet in subnets]}


def _only(item, *names):
    return {name: item[name] for name in names}


_READERS = {"port": _port, "security_group": _security_group, "network": _network, "subnet": _subnet}
