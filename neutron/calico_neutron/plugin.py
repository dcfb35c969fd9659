"""The core plugin `calico`: ML2 with our driver, set so that nobody else has to, and with floating IPs of its own unless a router
service plugin brings them."""
from neutron.db import l3_db
from neutron.plugins.ml2 import plugin as ml2
from neutron_lib.api.definitions import l3 as l3_apidef
from oslo_config import cfg

_OVERRIDES = {
    "mechanism_drivers": ["calico"],
    "type_drivers": ["local", "flat"],
    "tenant_network_types": ["local"],
}


class _Ml2Plugin(ml2.Ml2Plugin):
    def __init__(self):
        for name, value in _OVERRIDES.items():
            cfg.CONF.set_override(name, value, "ml2")
        super().__init__()


class _RouterPlugin(_Ml2Plugin, l3_db.L3_NAT_db_mixin):
    _supported_extension_aliases = ml2.Ml2Plugin._supported_extension_aliases + [l3_apidef.ALIAS]


def _has_routers():
    return any("router" in name.lower() for name in cfg.CONF.service_plugins)


# Chosen when Neutron loads it, which is after it has read its configuration: two that serve routers would get in each other's way.
CalicoPlugin = _Ml2Plugin if _has_routers() else _RouterPlugin
