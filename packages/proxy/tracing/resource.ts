import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProxyConfig } from '#model/proxy-config';
import { joinAttributes, parseAttributeLines, parseAttributeList } from '#model/tracing';
import type { Log } from '#runtime/log';
import type { Attribute } from './span.ts';

type Settings = Pick<
  ProxyConfig,
  'traceServiceName' | 'traceAttributesPath' | 'traceExtraAttributes' | 'otelResourceAttributes'
>;

/** What all spans of this process come from. A variable of OpenTelemetry wins over the extra ones, these over the file. */
export function resourceAttributes(config: Settings, startWallMs: number, log: Log): Attribute[] {
  const file = config.traceAttributesPath === undefined ? '' : readFile(config.traceAttributesPath, log);
  const texts = joinAttributes(
    [
      ['service.name', config.traceServiceName],
      ['host.name', hostname()],
    ],
    parseAttributeLines(file),
    parseAttributeLines(config.traceExtraAttributes ?? ''),
    parseAttributeList(config.otelResourceAttributes ?? ''),
  );
  return [['process.pid', process.pid], ['process.start_timestamp', Math.floor(startWallMs / 1000)], ...texts];
}

function readFile(path: string, log: Log): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    log.warn('Trace attributes cannot be read', { path, error: (error as Error).message });
    return '';
  }
}
