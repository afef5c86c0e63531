"""A server that speaks S3, on a free port of this machine; it prints the port. Run by the fixture `s3_endpoint`."""

import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

# S3 decides a conditional put atomically. moto looks and then puts, so its requests are taken one at a time.
moto, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()


def application(environ, start_response):
    with one_at_a_time:
        return list(moto(environ, start_response))


server = make_server("127.0.0.1", 0, application, threaded=True)
sys.stdout.write(f"{server.port}\n")
sys.stdout.flush()
server.serve_forever()
