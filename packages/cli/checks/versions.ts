import { type Category, type Check, CheckFailure, CheckSkipped } from './check.ts';

/** What versions are compared with. */
export interface Versions {
  /** This program's, or the one that it is told to be. */
  cliVersion: string;
  /** The release to run, `--expected-version`. Nobody is asked for it over the network: without it there is none. */
  latestVersion?: string;
}

/** `edge-26.8.3` -> edge; `1.2.3` -> none. Linkerd's versions have one, this program's do not. */
export function channelOf(version: string): string {
  return /^([a-z]+)-\d/.exec(version)?.[1] ?? '';
}

/** Why a version is not the latest; undefined when it is. */
export function behind(version: string, latest: string): string | undefined {
  const [ours, theirs] = [channelOf(version), channelOf(latest)];
  if (ours !== theirs)
    return `mismatched channels: running ${version || 'an unknown version'} but the expected version is ${latest}`;
  return version === latest
    ? undefined
    : `is running version ${version} but the latest ${ours === '' ? '' : `${ours} `}version is ${latest}`;
}

/** The latest version; a check that needs it is left out where there is none. */
export function latestOf({ latestVersion }: Versions): string {
  if (latestVersion === undefined) throw new CheckSkipped('no release is expected');
  return latestVersion;
}

/** Skipped as a whole without `--expected-version`. */
export const versionCategory = (versions: Versions): Category => ({
  name: 'linkerd-version',
  checks: [
    {
      description: 'can determine the latest version',
      anchor: 'l5d-version-latest',
      remedy:
        'The version given by --expected-version is one. This program asks nobody for the latest release; without the flag, nothing is compared with it.',
      severity: 'warning',
      async run() {
        const latest = latestOf(versions);
        if (!/\d/.test(latest)) throw new Error(`unsupported version channel: ${latest}`);
      },
    },
    {
      description: 'cli is up-to-date',
      anchor: 'l5d-version-cli',
      remedy: 'This program is of the version given by --expected-version. Install that release.',
      severity: 'warning',
      async run() {
        const problem = behind(versions.cliVersion, latestOf(versions));
        if (problem !== undefined) throw new Error(problem);
      },
    },
  ],
});

/** One running thing and its version; empty where its image says none. */
export interface VersionOf {
  name: string;
  version: string;
}

/** Those of `things` that are not of the wanted version are a failure. */
function allOf(things: readonly VersionOf[], wanted: string, headline: string): void {
  const others = things.filter(({ version }) => version !== '' && version !== wanted);
  if (others.length > 0)
    throw new CheckFailure(
      headline,
      others.map(({ name, version }) => `${name} (${version})`),
    );
}

/** The two checks that every kind of proxy has: of the latest version, and of this program's. */
export function proxyVersionChecks(
  whose: string,
  anchors: { upToDate: string; match: string },
  descriptions: { upToDate: string; match: string },
  proxies: () => Promise<VersionOf[]>,
  versions: Versions,
): Check[] {
  return [
    {
      description: descriptions.upToDate,
      anchor: anchors.upToDate,
      remedy: `Every proxy of the ${whose} is of the version given by --expected-version; left out without it. Upgrade the mesh, then restart the workloads: \`kubectl rollout restart\`.`,
      severity: 'warning',
      async run() {
        const latest = latestOf(versions);
        allOf(await proxies(), latest, `some proxies are not running the current version ${latest}:`);
      },
    },
    {
      description: descriptions.match,
      anchor: anchors.match,
      remedy: `Every proxy of the ${whose} is of this program's version. Proxies one minor version behind work; restart their workloads to renew them, or use the program of the installed version.`,
      severity: 'warning',
      async run() {
        const { cliVersion } = versions;
        allOf(await proxies(), cliVersion, `proxies are not all of version ${cliVersion}:`);
      },
    },
  ];
}
