"""A collector of metrics that prints what it gets, one JSON text a line: first its port, then each request.

otlp.py ANSWER [CERTIFICATE KEY] answers each as it is told: `ok`, `rejected`, `rubbish`, `silent`, or `NUMBER`, which is 500 so often and then ok.
"""

import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service

answer = sys.argv[1]
failing = int(answer) if answer.isdigit() else 0
printing = threading.Lock()


def told(value):
    with printing:
        print(json.dumps(value), flush=True)


def attributes(pairs):
    assert len({pair.key for pair in pairs}) == len(pairs), pairs
    return {pair.key: pair.value.string_value for pair in pairs}


def point(one):
    seen = {"labels": attributes(one.attributes), "start": one.start_time_unix_nano, "time": one.time_unix_nano}
    if hasattr(one, "bucket_counts"):
        seen |= {"count": one.count, "sum": one.sum}
        seen |= {"bounds": list(one.explicit_bounds), "buckets": list(one.bucket_counts)}
    else:
        seen["value"] = getattr(one, one.WhichOneof("value"))
    return seen


def metric(one):
    kind = one.WhichOneof("data")
    data = getattr(one, kind)
    seen = {"name": one.name, "unit": one.unit, "help": one.description, "kind": kind}
    if kind != "gauge":
        seen["cumulative"] = data.aggregation_temporality == 2
    if kind == "sum":
        seen["monotonic"] = data.is_monotonic
    return seen | {"points": [point(one) for one in data.data_points]}


def request(headers, path, body):
    message = service.ExportMetricsServiceRequest.FromString(body)
    (resource,) = message.resource_metrics
    (scope,) = resource.scope_metrics
    return {
        "path": path,
        "headers": {name.lower(): value for name, value in headers.items()},
        "resource": attributes(resource.resource.attributes),
        "scope": scope.scope.name,
        "metrics": [metric(one) for one in scope.metrics],
    }


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        global failing
        body = self.rfile.read(int(self.headers["content-length"]))
        told(request(self.headers, self.path, body))
        status, response = 200, service.ExportMetricsServiceResponse()
        if answer == "silent":
            time.sleep(3600)
        if answer == "rejected":
            response.partial_success.rejected_data_points = 7
        if failing > 0:
            failing, status = failing - 1, 500
        content = b"<html>" if answer == "rubbish" else response.SerializeToString()
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
if len(sys.argv) == 4:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
told({"port": server.server_address[1]})
server.serve_forever()
