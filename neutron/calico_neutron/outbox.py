"""Changes that the service has not acknowledged yet.

A row is written in the transaction that makes the change, and says no more than which object it is. After the commit the object
is read, sent, and read again: only if it is still what was sent, the row goes. So whatever dies when, and whatever overtakes
what, the last state that the service gets is the object's.

The table is made where it is missing when Neutron starts; it is no part of Neutron's schema, and dropping it loses only what
was not handed over, which the next resync finds.
"""
import sqlalchemy as sa
from neutron_lib import context as n_context
from neutron_lib.db import api as db_api
from oslo_log import log
from oslo_utils import timeutils

from calico_neutron import facts
from calico_neutron import service

LOG = log.getLogger(__name__)

_TABLE = sa.Table(
    "calico_outbox",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("object_id", sa.String(36), nullable=False, index=True),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
_MOST_AT_ONCE = 500
_READS = 5


def ensure_table():
    engine = db_api.get_context_manager().writer.get_engine()
    try:
        _TABLE.create(engine, checkfirst=True)
    except sa.exc.DBAPIError:
        # Another process may have been quicker.
        if not sa.inspect(engine).has_table(_TABLE.name):
            raise


def note(context, objects, after_commit):
    """Within the caller's transaction. `objects`: (kind, id) each; `after_commit` gets them when it is committed."""
    objects = list(dict.fromkeys(objects))
    if not objects:
        return
    session = context.session
    now = timeutils.utcnow()
    rows = [{"kind": kind, "object_id": object_id, "created_at": now} for kind, object_id in objects]
    session.execute(_TABLE.insert(), rows)
    sa.event.listen(session, "after_commit", lambda _: after_commit(objects), once=True)


def older_than(seconds):
    """The (kind, id) of rows that nobody has handed over for so long, the oldest first."""
    context = n_context.get_admin_context()
    until = timeutils.utcnow() - timeutils.datetime.timedelta(seconds=seconds)
    wanted = sa.select(_TABLE.c.kind, _TABLE.c.object_id).where(_TABLE.c.created_at <= until)
    with db_api.CONTEXT_READER.using(context):
        rows = context.session.execute(wanted.order_by(_TABLE.c.id).limit(_MOST_AT_ONCE)).all()
    return list(dict.fromkeys((row[0], row[1]) for row in rows))


def hand_over(kind, object_id):
    """Raises service.Unanswered; the rows stay then."""
    rows = _rows(kind, object_id)
    if not rows:
        return
    sent = None
    for _ in range(_READS):
        found = facts.of(kind, object_id)
        if sent is not None and found == sent[0]:
            return _remove(rows)
        try:
            service.ask("POST", "/v1/changes", {"kind": kind, "id": object_id, "facts": found})
        except service.Refused as error:
            LOG.error("calico-openstack does not take %s %s: %s", kind, object_id, error)
            return _remove(rows)
        sent = (found,)
    LOG.info("%s %s changes all the time: it is handed over later", kind, object_id)


def _rows(kind, object_id):
    context = n_context.get_admin_context()
    wanted = sa.select(_TABLE.c.id).where(_TABLE.c.object_id == object_id, _TABLE.c.kind == kind)
    with db_api.CONTEXT_READER.using(context):
        return [row[0] for row in context.session.execute(wanted).all()]


def _remove(rows):
    context = n_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        context.session.execute(_TABLE.delete().where(_TABLE.c.id.in_(rows)))
