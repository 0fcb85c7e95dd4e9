import type { Command } from 'commander';
import { destination } from '#api/mesh';
import type { GrpcClient, GrpcError } from '#runtime/grpc';
import { type CliContext, UserError } from '../../context.ts';
import { destinationClient } from './controller.ts';
import { goJson } from './go-json.ts';

const TIMEOUT_MS = 10_000;

/** `diagnostics profile ADDRESS`: the first profile that a proxy gets for an address. */
export function registerDiagnosticsProfile(group: Command, context: CliContext): void {
  group
    .command('profile')
    .argument('<address>', 'Address or name with a port, such as 10.20.2.4:8080')
    .description("Introspect the destination controller's state: the profile of an address")
    .option('--destination-pod <name>', 'Which replica of the destination controller to ask')
    .option('--token <token>', 'Context token, as a proxy would send it', '')
    .action(async (address: string, flags: { destinationPod?: string; token: string }) => {
      const client = await destinationClient(context, flags.destinationPod);
      try {
        const profile = await first(client, address, flags.token);
        const body = goJson(destination.DestinationProfileSchema, profile);
        context.io.out(`${JSON.stringify(body, null, 2)}\n`);
      } finally {
        client.close();
      }
    });
}

function first(client: GrpcClient, path: string, contextToken: string): Promise<destination.DestinationProfile> {
  return new Promise((resolve, reject) => {
    const fail = (text: string, cause?: GrpcError): void => {
      clearTimeout(timer);
      reject(new UserError(`Destination API error: ${path}: ${text}`, { cause }));
    };
    const timer = setTimeout(() => {
      cancel();
      fail(`no profile within ${TIMEOUT_MS / 1000} s`);
    }, TIMEOUT_MS);
    const cancel = client.serverStream(
      destination.Destination.method.getProfile,
      { path, contextToken },
      {
        message(profile) {
          clearTimeout(timer);
          resolve(profile);
          cancel();
        },
        ended: (error) => fail(error ? `${error.code}: ${error.message}` : 'the stream ended without a profile', error),
      },
    );
  });
}
