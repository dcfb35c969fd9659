"""Which objects of the service's does a change in Neutron touch? Each of its keys is made of one object and what that names."""
from neutron.db import models_v2
from neutron.db.models import l3 as l3_models
from neutron.db.models import securitygroup as sg_models
from neutron_lib.callbacks import events
from neutron_lib.callbacks import registry
from neutron_lib.callbacks import resources
from neutron_lib.db import api as db_api

from calico_neutron import outbox


def subscribe(courier):
    """Of ports and subnets the mechanism driver is told; of the others here."""

    def noting(touched):
        def callback(resource, event, trigger, payload):
            outbox.note(payload.context, touched(payload), courier.take)

        return callback

    def noting_late(touched):
        # Neutron tells of these after their transaction only: killed in between, it is the next resync that finds them.
        def callback(resource, event, trigger, payload):
            with db_api.CONTEXT_WRITER.using(payload.context):
                outbox.note(payload.context, touched(payload), courier.take)

        return callback

    for resource, event, touched in (
        (resources.SECURITY_GROUP, events.PRECOMMIT_CREATE, _group),
        (resources.SECURITY_GROUP, events.PRECOMMIT_UPDATE, _group_and_its_ports),
        (resources.SECURITY_GROUP, events.PRECOMMIT_DELETE, _group),
        (resources.SECURITY_GROUP_RULE, events.PRECOMMIT_CREATE, _group_of_new_rule),
        (resources.SECURITY_GROUP_RULE, events.PRECOMMIT_DELETE, _group_of_old_rule),
        (resources.FLOATING_IP, events.PRECOMMIT_CREATE, _ports_of_floating_ip),
        (resources.FLOATING_IP, events.PRECOMMIT_UPDATE, _ports_of_floating_ip),
    ):
        registry.subscribe(noting(touched), resource, event)
    registry.subscribe(noting_late(_ports_of_floating_ip), resources.FLOATING_IP, events.AFTER_DELETE)
    for event in (events.AFTER_UPDATE, events.AFTER_DELETE):
        registry.subscribe(noting_late(_groups_of_address_group), resources.ADDRESS_GROUP, event)


def ports_on_subnet(context, subnet_id):
    query = context.session.query(models_v2.IPAllocation.port_id).filter_by(subnet_id=subnet_id)
    return [("port", row[0]) for row in query.distinct()]


def _id_of(payload, state):
    return payload.resource_id or (state or {}).get("id")


def _group(payload):
    state = payload.desired_state or (payload.states[-1] if payload.states else None)
    return [("security_group", _id_of(payload, state))]


def _group_and_its_ports(payload):
    objects = _group(payload)
    before = payload.states[0] if payload.states else {}
    if before.get("name") != (payload.desired_state or {}).get("name"):
        binding = sg_models.SecurityGroupPortBinding
        query = payload.context.session.query(binding.port_id).filter_by(security_group_id=objects[0][1])
        objects += [("port", row[0]) for row in query]
    return objects


def _group_of_new_rule(payload):
    rule = payload.desired_state or payload.states[-1]
    rule = rule.get("security_group_rule", rule) if isinstance(rule, dict) else rule
    return [("security_group", rule["security_group_id"])]


def _group_of_old_rule(payload):
    return [("security_group", payload.metadata["security_group_id"])]


def _ports_of_floating_ip(payload):
    """The one that it leads to now, and the one that it led to before."""
    ids = []
    for state in (payload.desired_state, *(payload.states or ())):
        if state is None:
            continue
        if isinstance(state, dict):
            state = state.get("floatingip", state)
            ids.append(state.get("port_id"))
        else:
            ids.append(state.fixed_port_id)
    floating_id = getattr(payload.desired_state, "id", None)
    if floating_id:
        query = payload.context.session.query(l3_models.FloatingIP.fixed_port_id).filter_by(id=floating_id)
        ids += [row[0] for row in query]
    return [("port", port_id) for port_id in ids if port_id]


def _groups_of_address_group(payload):
    rule = sg_models.SecurityGroupRule
    query = payload.context.session.query(rule.security_group_id)
    query = query.filter_by(remote_address_group_id=payload.resource_id).distinct()
    return [("security_group", row[0]) for row in query]
