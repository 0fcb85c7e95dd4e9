/** What proves mutual TLS: both proxies' metrics name the other's identity, and the wire holds no plaintext of the answer. */

/** Whether the metrics text holds a non-zero sample of `family` that carries every label given. */
export function hasSample(metrics: string, family: string, labels: Readonly<Record<string, string>>): boolean {
  return metrics.split('\n').some((line) => {
    if (!line.startsWith(`${family}{`)) return false;
    const end = line.lastIndexOf('}');
    const present = Object.entries(labels).every(([name, value]) => line.includes(`${name}="${value}"`));
    return (
      present &&
      Number(
        line
          .slice(end + 1)
          .trim()
          .split(' ')[0],
      ) > 0
    );
  });
}

export interface MtlsEvidence {
  /** Metrics of the client's proxy and, by cluster, of the servers' proxies. */
  client: string;
  servers: Readonly<Record<string, string>>;
  /** Expected identities. */
  clientId: string;
  serverId: string;
  /** Packets on the client's cable, whether they hold the answer's text, and how many answers came in that time. */
  capture: { packets: number; plaintext: boolean; answersMeanwhile: number };
}

/** The reasons why mutual TLS is not proven; empty when it is. */
export function doubts(evidence: MtlsEvidence): string[] {
  const found: string[] = [];
  const outbound = { direction: 'outbound', tls: 'true', server_id: evidence.serverId };
  if (!hasSample(evidence.client, 'response_total', outbound))
    found.push(`the client's proxy counted no response with tls="true" and server_id="${evidence.serverId}"`);
  for (const [cluster, metrics] of Object.entries(evidence.servers)) {
    const inbound = { direction: 'inbound', tls: 'true', client_id: evidence.clientId };
    if (!hasSample(metrics, 'response_total', inbound))
      found.push(`the proxy in ${cluster} counted no response with tls="true" and client_id="${evidence.clientId}"`);
  }
  if (evidence.capture.packets === 0) found.push('the capture on the veth holds no packet');
  if (evidence.capture.answersMeanwhile === 0)
    found.push('no answer came during the capture, which then proves nothing');
  if (evidence.capture.plaintext) found.push("the capture on the veth holds plaintext of the service's answer");
  return found;
}
