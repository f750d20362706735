"""Takes spans by OTLP, over gRPC and over HTTP, and prints each as a line of JSON.

The messages and the service are OpenTelemetry's own, from its package on PyPI.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service_grpc


def plain(value):
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


def attributes(pairs):
    return {pair.key: plain(pair.value) for pair in pairs}


def show(protocol, request):
    for resource in request.resource_spans:
        of = attributes(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                line = {
                    "protocol": protocol,
                    "resource": of,
                    "name": span.name,
                    "kind": span.kind,
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "links": [link.trace_id.hex() + "-" + link.span_id.hex() for link in span.links],
                    "ns": span.end_time_unix_nano - span.start_time_unix_nano,
                    "attributes": attributes(span.attributes),
                }
                print(json.dumps(line), flush=True)


class Traces(service_grpc.TraceServiceServicer):
    def Export(self, request, context):
        show("grpc", request)
        return service.ExportTraceServiceResponse()


class Http(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        known = self.path == "/v1/traces"
        if known and self.headers["Content-Type"] == "application/x-protobuf":
            show("http", service.ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
        else:
            print(f"refused {self.path} {self.headers['Content-Type']}", flush=True)
            self.send_response(404)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    grpc_port, http_port = sys.argv[1:3]
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    service_grpc.add_TraceServiceServicer_to_server(Traces(), server)
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    server.start()
    http = ThreadingHTTPServer(("127.0.0.1", int(http_port)), Http)
    print("ready", flush=True)
    http.serve_forever()


if __name__ == "__main__":
    main()
