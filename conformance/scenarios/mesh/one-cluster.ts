/** The workloads of the scenario with one cluster. */
import { shop, webContainer, workload } from '../../harness/index.ts';

/** The body of the answers: what nobody may read on the wire. */
export const SECRET = 'the-body-that-nobody-may-read';

const CURL = '{name: app, image: curlimages/curl, command: [sh, -c, "sleep 100000"]}';
const LOAD_ARGS = ['-s', '--rate', '20/s', '--max-time', '10', '--no-buffer'];
const LOAD = `{name: app, image: curlimages/curl, command: [curl], args: ${JSON.stringify([
  ...LOAD_ARGS,
  ...['--write-out', '\t%{http_code} %{errormsg}\n', 'http://web/?[1-100000]'],
])}}`;
/** Answers HTTP with the request's headers; on its other port it speaks first. */
const ECHO = `
require("node:http").createServer((request, answer) => answer.end(JSON.stringify(request.headers))).listen(8081);
require("node:net").createServer((socket) => socket.end("220 greetings\\n")).listen(7000);
`;

/** A meshed namespace: `web` and `echo` serve; `client` asks from a proxy, `plain` without; `load` asks `web` all the time. */
export const APP = shop(`---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: shop, annotations: {config.linkerd.io/opaque-ports: "7000"}}
spec: {selector: {app: echo}, ports: [{name: tcp, port: 7000}, {name: http, port: 8081}]}
${workload('web', webContainer(SECRET))}
${workload('echo', `{name: app, image: debian, command: [node, -e, ${JSON.stringify(ECHO)}]}`, { annotations: 'config.linkerd.io/opaque-ports: "7000"' })}
${workload('client', CURL)}
${workload('plain', CURL, { annotations: 'linkerd.io/inject: disabled' })}
${workload('load', LOAD, { replicas: 0 })}
`);

/** A manifest that names nothing of the mesh. */
export const UNMESHED = workload('stranger', CURL);
