/** The programs that the suite's pods call, as scripts: it brings names of images that a lab does not have. */
import type { ImageRecord } from '#lab/images';

const script = (body: string): string => `#!/usr/bin/env node\n${body.trim()}\n`;

/** `socat [-v] TCP-LISTEN:42,… SYSTEM:COMMAND`, or UDP: answers whoever comes with what the command prints. */
const SOCAT = script(`
const { execFile } = require("node:child_process");
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const [, protocol, port] = /^(TCP|UDP)6?-LISTEN:(\\d+)/.exec(words[0]);
const command = words[1].replace(/^SYSTEM:/, "");
const answer = (reply) => execFile("/bin/sh", ["-c", command], (_error, text) => reply(text));
if (protocol === "TCP") {
  require("node:net").createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    answer((text) => socket.end(text));
  }).listen(Number(port));
} else {
  const socket = require("node:dgram").createSocket("udp4");
  socket.on("message", (_message, from) => answer((text) => socket.send(text, from.port, from.address)));
  socket.bind(Number(port));
}
process.on("SIGTERM", () => process.exit(0));
`);

/** `nslookup -type=A|AAAA|SRV NAME`: the lines that the suite reads. */
const NSLOOKUP = script(`
const { promises: dns, getServers } = require("node:dns");
const [type, asked] = [/^-type=(\\w+)$/.exec(process.argv[2])[1], process.argv[3]];
const name = asked.replace(/\\.$/, "");
const [server] = getServers();
console.log("Server:\\t\\t" + server + "\\nAddress:\\t" + server + "#53\\n");
const line = (record) => type === "SRV"
  ? name + "\\tservice = 0 100 " + record.port + " " + record.name + "."
  : "Name:\\t" + name + "\\nAddress: " + record;
dns.resolve(name, type).then(
  (records) => console.log(records.map(line).join("\\n")),
  (error) => { console.log("** server can't find " + name + ": " + error.code); process.exitCode = 1; },
);
`);

/** `nc -v -w SECONDS -4 HOST PORT`: sends its input, prints what comes. */
const NC = script(`
const [host, port] = process.argv.slice(-2);
const socket = require("node:net").connect({ host, port: Number(port), family: 4 });
const limit = setTimeout(() => { console.error("timed out"); process.exit(1); }, 2000);
socket.on("connect", () => process.stdin.pipe(socket));
socket.on("data", (part) => process.stdout.write(part));
socket.on("error", (error) => { console.error(error.message); process.exit(1); });
socket.on("close", () => clearTimeout(limit));
`);

/** What the suite's pods are made of, for `lab up --images`. */
export const SUITE_IMAGES: readonly ImageRecord[] = [
  { name: 'alpine/socat', entrypoint: ['/usr/local/bin/socat'], files: { '/usr/local/bin/socat': SOCAT } },
  {
    name: 'nicolaka/netshoot',
    entrypoint: ['/usr/bin/env'],
    files: { '/usr/local/bin/nslookup': NSLOOKUP, '/usr/local/bin/nc': NC },
  },
];
