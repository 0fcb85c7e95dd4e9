import { type Command, Option } from 'commander';
import { inbound, outbound } from '#api/mesh';
import { GrpcError } from '#runtime/grpc';
import { type CliContext, UserError } from '../../context.ts';
import { toYaml } from '../../output/index.ts';
import { kindNamed } from '../../resources/index.ts';
import { controllerClient } from './controller.ts';
import { goJson } from './go-json.ts';

interface Flags {
  namespace: string;
  output: 'yaml' | 'json';
  destinationPod?: string;
  token: string;
}

const POLICY_PORT = 8090;
const TIMEOUT_MS = 10_000;

/** `diagnostics policy RESOURCE PORT`: what a proxy is told of a pod's port, or of a Service's. */
export function registerPolicy(group: Command, context: CliContext): void {
  group
    .command('policy')
    .argument('<resource>', 'po/NAME for inbound policy, svc/NAME for outbound policy')
    .argument('<port>', 'Number of the port')
    .description("Introspect the policy controller's state")
    .option('-n, --namespace <namespace>', 'Namespace of the resource', 'default')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'))
    .option('--destination-pod <name>', 'Which replica of the destination controller to ask')
    .option('--token <token>', 'Context token, as a proxy would send it', 'default:diagnostics')
    .action(async (resource: string, port: string, flags: Flags) => {
      const question = read(resource, port);
      const client = await controllerClient(context, {
        service: 'linkerd-policy',
        port: POLICY_PORT,
        ...(flags.destinationPod !== undefined && { pod: flags.destinationPod }),
      });
      try {
        const answer = await ask(client, question, flags);
        context.io.out(flags.output === 'json' ? JSON.stringify(answer, null, 2) : toYaml(sorted(answer)));
      } catch (error) {
        if (!(error instanceof GrpcError)) throw error;
        throw new UserError(`${resource} ${port}: ${error.code}: ${error.message}`, { cause: error });
      } finally {
        client.close();
      }
    });
}

interface Question {
  kind: 'pod' | 'service';
  name: string;
  port: number;
}

function read(resource: string, text: string): Question {
  const [word = '', name = '', ...rest] = resource.split('/');
  if (name === '' || rest.length > 0)
    throw new UserError(`invalid resource string: expected po/NAME or svc/NAME, got "${resource}"`);
  const kind = kindNamed(word)?.names[0];
  if (kind !== 'pod' && kind !== 'service')
    throw new UserError(`invalid resource type ${resource}; must be one of Pod or Service`);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw new UserError(`port: expected a number from 1 to 65535, got "${text}"`);
  return { kind, name, port };
}

type Client = Awaited<ReturnType<typeof controllerClient>>;

async function ask(client: Client, { kind, name, port }: Question, flags: Flags): Promise<object> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  if (kind === 'pod') {
    const { getPort } = inbound.InboundServerPolicies.method;
    const answer = await client.unary(getPort, { workload: `${flags.namespace}:${name}`, port }, { signal });
    return goJson(getPort.output, answer);
  }
  const { get } = outbound.OutboundPolicies.method;
  const target = { case: 'authority' as const, value: `${name}.${flags.namespace}.svc:${port}` };
  return goJson(get.output, await client.unary(get, { sourceWorkload: flags.token, target }, { signal }));
}

/** Keys in order, at any depth, as Linkerd prints YAML. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
