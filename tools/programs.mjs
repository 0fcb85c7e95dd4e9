// `node tools/programs.mjs FILE…`: builds what these test files need before they are run, so that a cold build does not count against
// their time. Plain Node, no dependency.
import { goClientsPath, helmPath, rustClientPath } from './clients.mjs';
import { installGatewayApiTools } from './gateway-api-tools.mjs';
import { installMcsDefinitions } from './mcs-tools.mjs';

/** Beginning of test files -> what builds their programs. */
const PROGRAMS = [
  ['conformance/clients/go', goClientsPath],
  ['conformance/clients/helm', helmPath],
  ['conformance/clients/rust', rustClientPath],
  ['conformance/gateway-api/', installGatewayApiTools],
  ['conformance/helm/', helmPath],
  ['conformance/mcs/', installMcsDefinitions],
  ['conformance/scenarios/install/', helmPath],
  ['conformance/scenarios/multicluster/helm', helmPath],
];

const files = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
let isMissing = false;
for (const build of new Set(
  PROGRAMS.filter(([start]) => files.some((file) => file.startsWith(start))).map(([, build]) => build),
)) {
  try {
    build();
  } catch (error) {
    isMissing = true;
    process.stderr.write(`programs: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}
process.exitCode = isMissing ? 1 : 0;
