"""Options in [calico] of neutron.conf that this package reads. calico-openstack reads the same file, and more of them."""
from oslo_config import cfg

OPTS = [
    cfg.StrOpt(
        "service_socket",
        default="/run/calico-openstack/service.sock",
        help="Where calico-openstack listens on this controller.",
    ),
    cfg.IntOpt(
        "num_port_status_threads",
        default=4,
        min=1,
        help="How many ports' statuses are applied at a time.",
    ),
]


def register():
    cfg.CONF.register_opts(OPTS, "calico")


def list_opts():
    return [("calico", OPTS)]
