/**
 * An API server that misbehaves, as a program for `node -e`: the first part of the path says how, so that a kubeconfig chooses it. Serves
 * HTTP/2 over TLS with CERTIFICATE and KEY at 8443, with OLD_CERTIFICATE and OLD_KEY at 8444. At /webhook it annotates what is admitted: `checked: yes`.
 */
export const BAD_API = `
const http2 = require("node:http2");
const CORE = ["v1", { services: "Service", pods: "Pod", nodes: "Node", configmaps: "ConfigMap" }];
const GROUPS = { "discovery.k8s.io": ["v1", { endpointslices: "EndpointSlice" }], apps: ["v1", { replicasets: "ReplicaSet" }], batch: ["v1", { jobs: "Job" }], "policy.linkerd.io": ["v1beta3", { servers: "Server" }], "multicluster.x-k8s.io": ["v1beta1", { serviceexports: "ServiceExport" }] };
const meta = (name, version = "5", more = {}) => ({ name, namespace: "shop", resourceVersion: version, uid: "u-" + name, ...more });
const FLAT = { labels: { "mirror.linkerd.io/exported": "remote-discovery" } };
const service = (name, version, more = {}) => ({ apiVersion: "v1", kind: "Service", metadata: meta(name, version, more), spec: { clusterIP: "10.99.0.9", ports: [{ port: 80 }] } });
const status = (code) => (ask) => ask.end(code, { kind: "Status", apiVersion: "v1", code, reason: "Made", message: "made up for a test" });
const onServices = (act) => (ask) => (ask.resource === "services" ? act(ask) : ask.honest());
const items = (...all) => onServices((ask) => (ask.watch ? ask.honest() : ask.list(all)));
const events = (act) => onServices((ask) => { if (!ask.watch) return ask.honest(); ask.open(); act(ask); });
const MODES = {
  honest: (ask) => ask.honest(),
  refused: status(401), denied: status(403), fails: status(500),
  mute: () => {},
  text: (ask) => ask.end(200, "<html>welcome</html>"),
  kind: onServices((ask) => ask.list([], {}, "Secret")),
  nameless: items({ metadata: { resourceVersion: "5" } }),
  huge: items(service("huge", "5", { annotations: { note: "n".repeat(10000000) } })),
  many: onServices((ask) => (ask.watch ? ask.honest() : ask.list(Array.from({ length: 500 }, (_, at) => service("a-" + ask.at + "-" + at)), { continue: String(ask.at + 1) }))),
  backwards: events((ask) => { ask.event("ADDED", service("a", "101")); ask.event("MODIFIED", service("a", "50")); }),
  endless: events((ask) => { const text = JSON.stringify({ type: "MODIFIED", object: service("a", "101") }) + "\\n"; const pour = () => { while (!ask.stream.destroyed && ask.stream.write(text.repeat(100))); ask.stream.once("drain", pour); }; pour(); }),
  names: items(service("w".repeat(62), "5", FLAT), { ...service("lost", "5", FLAT), metadata: { ...meta("lost", "5", FLAT), namespace: "nowhere" } }, service("web-west", "5", { labels: { ...FLAT.labels, "mirror.linkerd.io/mirrored-service": "true", "mirror.linkerd.io/cluster-name": "west" } })),
  loopback: (ask) => {
    if (ask.watch) return ask.honest();
    if (ask.resource === "services") return ask.list([service("trap", "5", FLAT)]);
    if (ask.resource !== "endpointslices") return ask.honest();
    ask.list([{ metadata: meta("trap-1", "5", { labels: { "kubernetes.io/service-name": "trap" } }), addressType: "IPv4", ports: [{ port: 80 }], endpoints: ["127.0.0.1", "169.254.169.254"].map((ip) => ({ addresses: [ip] })) }]);
  },
  foreign: (ask) => (ask.path.includes("/configmaps/linkerd-config") ? ask.end(200, { apiVersion: "v1", kind: "ConfigMap", metadata: meta("linkerd-config"), data: { values: "identityTrustAnchorsPEM: " + JSON.stringify(process.env.CERTIFICATE) } }) : ask.honest()),
};
function admit(request, response) {
  if (!request.url.startsWith("/webhook")) return;
  let body = "";
  request.on("data", (part) => { body += part; });
  request.on("end", () => {
    const { uid, object } = JSON.parse(body).request;
    const add = object.metadata.annotations ? { path: "/metadata/annotations/checked", value: "yes" } : { path: "/metadata/annotations", value: { checked: "yes" } };
    const patch = Buffer.from(JSON.stringify([{ op: "add", ...add }])).toString("base64");
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: { uid, allowed: true, patchType: "JSONPatch", patch } }));
  });
}
function answer(stream, headers) {
  stream.on("error", () => {});
  const url = new URL(headers[":path"], "http://x");
  if (url.pathname.startsWith("/webhook")) return;
  const [, mode, root, ...rest] = url.pathname.split("/");
  const group = root === "apis" ? rest[0] : "";
  const resource = rest.at(-1);
  const [version, kinds] = GROUPS[group] ?? CORE;
  const kind = kinds[resource];
  const apiVersion = group === "" ? version : group + "/" + version;
  const ask = {
    stream, resource, path: url.pathname, watch: url.searchParams.has("watch"), at: Number(url.searchParams.get("continue") ?? 0),
    end(code, body) { stream.respond({ ":status": code }); stream.end(typeof body === "string" ? body : JSON.stringify(body)); },
    list(all, more = {}, as = kind) { ask.end(200, { apiVersion, kind: as + "List", metadata: { resourceVersion: "100", ...more }, items: all }); },
    open() { stream.respond({ ":status": 200 }); },
    event(type, object) { stream.write(JSON.stringify({ type, object }) + "\\n"); },
    honest() { if (!kind) status(404)(ask); else if (ask.watch) ask.open(); else ask.list([]); },
  };
  (MODES[mode] ?? status(404))(ask);
}
for (const [port, cert, key] of [[8443, "CERTIFICATE", "KEY"], [8444, "OLD_CERTIFICATE", "OLD_KEY"]])
  http2.createSecureServer({ cert: process.env[cert], key: process.env[key], maxSessionMemory: 500, allowHTTP1: true }).on("request", admit).on("stream", answer).on("sessionError", () => {}).listen(port);
`;
