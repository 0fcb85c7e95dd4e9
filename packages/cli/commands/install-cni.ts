import { type Command, Option } from 'commander';
import { parsePortList } from '#model/annotations';
import { type CliContext, UserError } from '../context.ts';
import { LOG_LEVELS } from '../installation/index.ts';
import { CNI_OPEN_MAPS, type CniValues, defaultCniValues, mergeValues, renderCni } from '../manifests/index.ts';
import { renderManifests } from '../output/index.ts';
import { addValueFlags, readValueFlags, type ValueFlags } from './value-flags.ts';

interface FlagRow {
  flag: string;
  doc: string;
  set(values: CniValues, text: string, flag: string): void;
}

const number =
  (key: 'inboundProxyPort' | 'outboundProxyPort' | 'proxyAdminPort' | 'proxyControlPort' | 'proxyUID' | 'proxyGID') =>
  (values: CniValues, text: string, flag: string): void => {
    const value = Number(text);
    const isPort = key.endsWith('Port');
    const [least, most] = isPort ? [1, 65_535] : [key === 'proxyGID' ? -1 : 0, 2 ** 31 - 1];
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most)
      throw new UserError(`${flag}: expected a whole number from ${least} to ${most}, got "${text}"`);
    values[key] = value;
  };

const ports =
  (key: 'ignoreInboundPorts' | 'ignoreOutboundPorts' | 'portsToRedirect') =>
  (values: CniValues, text: string, flag: string): void => {
    const parts = parsePortList(text);
    if (!parts || parts.some((part) => 'name' in part))
      throw new UserError(`${flag}: expected ports and ranges such as 25,4000-4100, got "${text}"`);
    values[key] = text.replaceAll(' ', '');
  };

const ROWS: readonly FlagRow[] = [
  {
    flag: '--registry <registry>',
    doc: 'Registry of the images (default: $LINKERD_DOCKER_REGISTRY)',
    set: (values, text) => {
      values.image.name = values.repairController.image.name = `${text}/cni-plugin`;
    },
  },
  {
    flag: '-v, --linkerd-version <version>',
    doc: 'Tag of the images',
    set: (values, text) => {
      values.image.version = values.repairController.image.version = text;
    },
  },
  {
    flag: '--cni-image <image>',
    doc: 'Image of the plug-in',
    set: (values, text) => {
      values.image.name = values.repairController.image.name = text;
    },
  },
  {
    flag: '--cni-image-version <version>',
    doc: 'Tag of the image of the plug-in',
    set: (values, text) => {
      values.image.version = values.repairController.image.version = text;
    },
  },
  { flag: '--proxy-uid <uid>', doc: 'User that the proxy runs as', set: number('proxyUID') },
  { flag: '--proxy-gid <gid>', doc: 'Group that the proxy runs as', set: number('proxyGID') },
  { flag: '--inbound-port <port>', doc: 'Port of the proxy: inbound', set: number('inboundProxyPort') },
  { flag: '--outbound-port <port>', doc: 'Port of the proxy: outbound', set: number('outboundProxyPort') },
  { flag: '--control-port <port>', doc: 'Port of the proxy: control', set: number('proxyControlPort') },
  { flag: '--admin-port <port>', doc: 'Port of the proxy: admin', set: number('proxyAdminPort') },
  {
    flag: '--skip-inbound-ports <ports>',
    doc: 'Ports and ranges that clients reach without the proxy',
    set: ports('ignoreInboundPorts'),
  },
  {
    flag: '--skip-outbound-ports <ports>',
    doc: 'Ports and ranges that applications reach without the proxy',
    set: ports('ignoreOutboundPorts'),
  },
  { flag: '--redirect-ports <ports>', doc: 'The only ports to redirect', set: ports('portsToRedirect') },
  {
    flag: '--cni-log-level <level>',
    doc: 'Log level of the plug-in',
    set: (values, text, flag) => {
      if (!LOG_LEVELS.includes(text))
        throw new UserError(`${flag}: expected one of ${LOG_LEVELS.join(', ')}, got "${text}"`);
      values.logLevel = text;
    },
  },
  {
    flag: '--dest-cni-net-dir <folder>',
    doc: 'Folder of the nodes that holds the network configuration',
    set: (values, text) => {
      values.destCNINetDir = text;
    },
  },
  {
    flag: '--dest-cni-bin-dir <folder>',
    doc: 'Folder of the nodes that holds plug-ins',
    set: (values, text) => {
      values.destCNIBinDir = text;
    },
  },
  {
    flag: '--priority-class-name <name>',
    doc: 'Priority class of the pods',
    set: (values, text) => {
      values.priorityClassName = text;
    },
  },
  {
    flag: '--use-wait-flag',
    doc: 'Accepted for compatibility: the plug-in always waits for the lock of iptables',
    set: (values) => {
      values.useWaitFlag = true;
    },
  },
];

/** `weft install-cni`: the DaemonSet that puts the CNI plug-in on every node. */
export function registerInstallCni(program: Command, context: CliContext): void {
  const command = program
    .command('install-cni')
    .description('Output Kubernetes configs to install the CNI plug-in')
    .addOption(new Option('-o, --output <format>', 'Output format').choices(['yaml', 'json']).default('yaml'));
  for (const { flag, doc } of ROWS) command.option(flag, doc);
  addValueFlags(command);
  command.action(async (_options, self: Command) => {
    const flags = self.opts<ValueFlags & { output: 'yaml' | 'json' } & Record<string, unknown>>();
    const values = defaultCniValues(context.io.env['LINKERD_DOCKER_REGISTRY'] || undefined);
    const unknown = mergeValues(values, await readValueFlags(flags), { openMaps: CNI_OPEN_MAPS });
    if (unknown.length > 0) context.io.err(`warning: values without a meaning here: ${unknown.join(', ')}\n`);
    for (const { flag, set } of ROWS) {
      const option = new Option(flag);
      const value = flags[option.attributeName()];
      if (value !== undefined) set(values, String(value), option.long ?? flag);
    }
    context.io.out(renderManifests(renderCni({ namespace: context.flags.cniNamespace, values }, true), flags.output));
  });
}
