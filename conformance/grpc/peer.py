"""The other end of the gRPC interoperability cases, on the grpcio package alone: `peer.py server` or `peer.py client`.

The server prints its port and serves weft.test.Echo until standard input ends. The client takes cases as JSON lines on standard
input and answers each with one JSON line. What the methods do is said in echo.ts; messages are google.protobuf.StringValue.
"""

import json
import sys
import threading
import time
from concurrent import futures

import grpc

OPTIONS = [
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]
SERVICE = "weft.test.Echo"


def encode(text):
    data = text.encode()
    if not data:
        return b""
    out, length = bytearray([0x0A]), len(data)
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)
    return bytes(out) + data


def decode(data):
    if not data:
        return ""
    at = 1
    while data[at] & 128:
        at += 1
    return data[at + 1 :].decode()


noticed = 0
noticing = threading.Lock()


def notice():
    global noticed
    with noticing:
        noticed += 1


def fail(words, context):
    code, text = words.split(" ", 1)
    context.abort(getattr(grpc.StatusCode, code), text)


def say(text, context):
    word, _, rest = text.partition(" ")
    if word == "fail":
        fail(rest, context)
    if word == "sleep":
        over = threading.Event()
        context.add_callback(over.set)
        if over.wait(int(rest) / 1000):
            notice()
        return "slept"
    if word == "big":
        return "x" * int(rest)
    if word == "meta":
        return dict(context.invocation_metadata()).get(rest, "none")
    if word == "noticed":
        return str(noticed)
    return text


def watch(text, context):
    word, _, rest = text.partition(" ")
    if word == "count":
        for i in range(int(rest)):
            yield str(i)
    elif word == "flood":
        for _ in range(int(rest)):
            yield "x" * 10_000
    elif word == "forever":
        # Counted by the callback: a generator is not resumed once its call is over.
        over = threading.Event()
        context.add_callback(lambda: (notice(), over.set()))
        yield "up"
        over.wait()
    elif word == "failing":
        count, rest = rest.split(" ", 1)
        for i in range(int(count)):
            yield str(i)
        fail(rest, context)


def gather(requests, _context):
    texts = list(requests)
    return f"{len(texts)} messages, {sum(map(len, texts))} characters"


def chat(requests, context):
    for text in requests:
        if text.startswith("fail "):
            fail(text[5:], context)
        yield text


def serve():
    def handler(make, behaviour):
        return make(behaviour, request_deserializer=decode, response_serializer=encode)

    methods = {
        "Say": handler(grpc.unary_unary_rpc_method_handler, say),
        "Watch": handler(grpc.unary_stream_rpc_method_handler, watch),
        "Gather": handler(grpc.stream_unary_rpc_method_handler, gather),
        "Chat": handler(grpc.stream_stream_rpc_method_handler, chat),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=256), options=OPTIONS)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    for line in sys.stdin:
        if line.strip() == "drain":
            print("draining", flush=True)
            server.stop(5).wait()
            print("drained", flush=True)
            return
    server.stop(0)


def expand(request):
    return request if isinstance(request, str) else request["text"] * request["times"]


def call(channel, case, begun):
    def shorten(text):
        return text if len(text) <= 200 else f"{len(text)} characters"

    kind = case["method"]
    make = {
        "Say": channel.unary_unary,
        "Watch": channel.unary_stream,
        "Gather": channel.stream_unary,
        "Chat": channel.stream_stream,
    }.get(kind, channel.unary_unary)
    stub = make(f"/{SERVICE}/{kind}", request_serializer=encode, response_deserializer=decode)
    timeout = case["timeoutMs"] / 1000 if "timeoutMs" in case else 30
    options = {"timeout": timeout, "metadata": list(case.get("metadata", {}).items())}
    requests = [expand(request) for request in case["requests"]]
    argument = iter(requests) if kind in ("Gather", "Chat") else requests[0]
    messages = []
    try:
        if kind in ("Watch", "Chat"):
            stream = stub(argument, **options)
            for message in stream:
                messages.append(shorten(message))
                begun.set()
                if len(messages) == case.get("cancelAfter"):
                    stream.cancel()
        else:
            messages.append(shorten(stub(argument, **options)))
        return {"messages": messages, "code": "OK", "text": ""}
    except grpc.RpcError as error:
        return {"messages": messages, "code": error.code().name, "text": error.details() or ""}


def answer(channels, case):
    port = case["port"]
    channel = channels.setdefault(port, grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS))
    started = time.monotonic()
    count = case.get("parallel", 1)
    with futures.ThreadPoolExecutor(max_workers=count) as pool:
        begun = threading.Event()
        results = list(pool.map(lambda _: call(channel, case, begun), range(count)))
    result = results[0]
    result["alike"] = sum(each == result for each in results)
    result["tookMs"] = (time.monotonic() - started) * 1000
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve()
    else:
        channels = {}
        print("ready", flush=True)
        for line in sys.stdin:
            case = json.loads(line)
            threading.Thread(target=answer, args=(channels, case), daemon=True).start()
