"""What of Calico runs inside Neutron: it binds ports, notes every change in the transaction that makes it, and hands it to
calico-openstack, which knows what is to be stored for it."""
