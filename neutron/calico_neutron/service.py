"""The connection to calico-openstack: HTTP over a Unix socket, one connection a request, so that none is shared by processes."""
import http.client
import json
import socket

from oslo_config import cfg


class Unanswered(Exception):
    """Nobody answers, or what is asked cannot be done now."""


class Refused(Exception):
    """The service will never take this."""


class _Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(cfg.CONF.calico.service_socket)


def ask(method, path, body=None, timeout=30):
    """The answer's JSON; None where it is empty. Raises Unanswered, Refused."""
    connection = _Connection("service", timeout=timeout)
    try:
        text = None if body is None else json.dumps(body, default=str)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered("%s: %s" % (cfg.CONF.calico.service_socket, error)) from error
    finally:
        connection.close()
    if response.status == 400:
        raise Refused(answer.decode(errors="replace"))
    if response.status >= 300:
        raise Unanswered("%s %s" % (response.status, answer.decode(errors="replace")))
    return json.loads(answer) if answer else None


def is_there():
    try:
        ask("GET", "/status", timeout=2)
        return True
    except (Unanswered, Refused):
        return False
