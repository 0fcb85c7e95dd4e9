/** Runs the suites from the client's side: `bun driver.ts PLAN PIDS`; results as JSON on standard output. */
import { setTimeout as sleep } from 'node:timers/promises';
import { untilQuiet } from '../../bench/proxy/quiet.ts';
import { ANSWERS } from './answers/corpus.ts';
import { runAnswer } from './answers/run.ts';
import { FACES, type Face } from './faces.ts';
import { ATTACKS, type Attack, type FloodReport, runFlood } from './floods/index.ts';
import { runH2spec, type SpecReport } from './h2spec.ts';
import { Origin } from './origin/client.ts';
import { ORIGIN_SOCKET, type Plan, type ProxyPids, type Results, TLS_FOLDER } from './plan.ts';
import { CORPUS, PLAIN } from './probes.ts';
import type { Verdict } from './verdict.ts';

const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 100;
/** How long an honest request beside a flood is waited for. */
const PATIENCE_MS = 15_000;
/** Sections of h2spec and floods are run at these, which no corpus needs for itself. */
const SPEC_FACES = ['inbound', 'outbound', 'inbound, mesh TLS'];
const FLOOD_FACES = ['inbound', 'outbound'];

const say = (line: string) => process.stderr.write(`http: ${line}\n`);

class Driver {
  readonly #plan: Plan;
  readonly #pids: ProxyPids;
  readonly #origin = new Origin(ORIGIN_SOCKET);
  readonly #faces: readonly Face[];

  constructor(plan: Plan, pids: ProxyPids) {
    this.#plan = plan;
    this.#pids = pids;
    this.#faces = FACES.filter(
      (face) =>
        (plan.peers || face.contender === 'Weft') &&
        (plan.faces === undefined || plan.faces.includes(`${face.version}: ${face.name}`)),
    );
  }

  async run(): Promise<Results> {
    const { suites } = this.#plan;
    const verdicts = suites.includes('corpus') ? await this.#corpus() : [];
    const answers = suites.includes('answers') ? await this.#answers() : [];
    const specs = suites.includes('h2spec') ? await this.#specs() : [];
    const floods = suites.includes('floods') ? await this.#floods() : [];
    this.#origin.close();
    return { verdicts, answers, specs, floods };
  }

  async #corpus(): Promise<Verdict[]> {
    return (await Promise.all(this.#faces.map((face) => this.#cases(face)))).flat();
  }

  async #cases(face: Face): Promise<Verdict[]> {
    await this.#ready(face);
    const verdicts: Verdict[] = [];
    for (const each of CORPUS[face.version])
      if (this.#wants(each.id)) verdicts.push(await each.run(face, { origin: this.#origin, tls: TLS_FOLDER }));
    return verdicts;
  }

  async #answers(): Promise<Verdict[]> {
    const faces = this.#faces.filter(({ version, detects }) => version === 'http1' && !detects);
    return (await Promise.all(faces.map((face) => this.#answersAt(face)))).flat();
  }

  async #answersAt(face: Face): Promise<Verdict[]> {
    await this.#ready(face);
    const verdicts: Verdict[] = [];
    for (const each of ANSWERS) if (this.#wants(each.id)) verdicts.push(await runAnswer(each, face, TLS_FOLDER));
    return verdicts;
  }

  async #specs(): Promise<SpecReport[]> {
    const reports: SpecReport[] = [];
    for (const face of this.#faces.filter(({ version, name }) => version === 'http2' && SPEC_FACES.includes(name))) {
      await this.#ready(face);
      reports.push(await runH2spec(this.#plan.tools.h2spec, face));
      say(`h2spec at ${face.name}: ${reports.at(-1)!.failures.length} tests failed`);
    }
    return reports;
  }

  async #floods(): Promise<FloodReport[]> {
    const reports: FloodReport[] = [];
    for (const attack of ATTACKS.filter(
      ({ name }) => this.#wants(name) && this.#plan.floods?.includes(name) !== false,
    )) {
      const faces = this.#faces.filter(({ name, version }) => FLOOD_FACES.includes(name) && version === attack.version);
      if (this.#plan.floodsTogether)
        reports.push(...(await Promise.all(faces.map((face) => this.#flood(attack, face)))));
      else for (const face of faces) reports.push(await this.#flood(attack, face));
    }
    return reports;
  }

  async #flood(attack: Attack, face: Face): Promise<FloodReport> {
    const beside = FACES.filter(({ name }) => name === `${face.name}, detecting`);
    for (const each of [face, ...beside]) await this.#ready(each);
    if (this.#plan.waitsForQuiet) await untilQuiet();
    const report = await runFlood(attack, face, {
      seconds: this.#plan.floodSeconds,
      python: this.#plan.tools.python,
      pid: this.#pids[face.name === 'inbound' ? 'server' : 'client'],
      requests: [face, ...beside].map((each) => () => this.#honest(each)),
    });
    const { startMB, peakMB, restMB, honest, failure = 'withstood' } = report;
    const answered = honest.reduce((sum, each) => sum + each.answered, 0);
    const memory = [startMB, peakMB, restMB].map((each) => each.toFixed(0)).join(', ');
    say(
      `${attack.name} at ${face.name}: ${failure}; ${answered} honest requests answered, ${memory} MB; ${report.did}`,
    );
    return report;
  }

  async #honest(face: Face): Promise<string> {
    const options = { origin: this.#origin, tls: TLS_FOLDER, quietMs: PATIENCE_MS };
    const { answers } = await PLAIN[face.version].run(face, options);
    return answers.join() === '200' ? 'ok' : `${face.version}: ${answers.join(', ')}`;
  }

  /** Until a plain request comes through. */
  async #ready(face: Face): Promise<void> {
    let seen = 'nothing';
    for (const deadlineMs = Date.now() + READY_TIMEOUT_MS; Date.now() < deadlineMs; await sleep(READY_POLL_MS)) {
      try {
        const verdict = await PLAIN[face.version].run(face, { origin: this.#origin, tls: TLS_FOLDER });
        if (verdict.outcome === 'forwarded' && verdict.answers.join() === '200') return;
        seen = `${verdict.outcome}, ${verdict.answers.join(', ')}`;
      } catch (error) {
        seen = String(error);
      }
    }
    throw new Error(`${face.contender} (${face.name}, ${face.version}) does not serve plain requests: ${seen}`);
  }

  #wants(name: string): boolean {
    return this.#plan.only === undefined || name.includes(this.#plan.only);
  }
}

try {
  const [plan = '{}', pids = '{}'] = process.argv.slice(2);
  const results = await new Driver(JSON.parse(plan) as Plan, JSON.parse(pids) as ProxyPids).run();
  process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`http: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
