import { after, afterEach, before, beforeEach } from 'node:test';
import { profile, servicePolicy, TestProxy } from './harness.fake.ts';
import { TestCa } from './test-ca.fake.ts';

/** The Service that clients ask for: its address, and the name that its endpoints are known by. */
export const ADDR = '10.96.0.10:80';
export const PATH = 'web.a.svc.cluster.local:80';
/** Who its clients and its pods are. */
export const CLIENT = 'client.a.serviceaccount.identity.linkerd.cluster.local';
export const SERVER = 'web.a.serviceaccount.identity.linkerd.cluster.local';

export interface PairOptions {
  /** The client's proxy is another for each test, so that nothing learned in one is known in the next; absent: one for all. */
  readonly fresh?: boolean;
  /** Environment of both. */
  readonly env?: Record<string, string>;
}

/** The proxies of a client and of a server; there from the first hook of the file on. */
export class Pair {
  readonly ca = new TestCa();
  #client: TestProxy | undefined;
  #server: TestProxy | undefined;
  readonly #ends: (() => void)[] = [];

  get client(): TestProxy {
    return started(this.#client);
  }
  get server(): TestProxy {
    return started(this.#server);
  }

  /** Runs when the client's proxy ends. */
  atEnd(end: () => void): void {
    this.#ends.push(end);
  }

  async startServer(env: Record<string, string>): Promise<void> {
    this.#server = await TestProxy.start({ name: SERVER, ca: this.ca, env });
  }

  async startClient(env: Record<string, string>): Promise<void> {
    this.#client = await TestProxy.start({ name: CLIENT, ca: this.ca, env });
    this.#client.mesh.profile(ADDR).set(profile({ fqn: 'web.a.svc.cluster.local' }));
    this.#client.mesh.outbound(ADDR).set(servicePolicy(PATH));
  }

  async stopClient(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    await this.#client?.stop();
  }

  async stopServer(): Promise<void> {
    await this.#server?.stop();
  }
}

function started(proxy: TestProxy | undefined): TestProxy {
  if (!proxy) throw new Error('proxies run from the first hook on');
  return proxy;
}

/** Proxies of a client and of a server for the tests of the file that calls it; the client's knows the Service, not its endpoints. */
export function usePair({ fresh = false, env = {} }: PairOptions = {}): Pair {
  const pair = new Pair();
  before(() => pair.startServer(env));
  (fresh ? beforeEach : before)(() => pair.startClient(env));
  (fresh ? afterEach : after)(() => pair.stopClient());
  after(() => pair.stopServer());
  return pair;
}
