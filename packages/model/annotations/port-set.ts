/** Sets of ports as annotations write them: numbers, ranges `a-b`, and names of ports that the object declares. */

interface Range {
  low: number;
  high: number;
}

/** One part of a list: a range (a single port is one with equal ends), or a name. */
export type PortSpec = Range | { name: string };

/** Reads a list such as `25,3000-3010,sql`. Undefined when a part is neither a port, a range nor a port name. Empty is a list. */
export function parsePortList(text: string): PortSpec[] | undefined {
  const specs: PortSpec[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (range) {
      const low = Number(range[1]);
      const high = Number(range[2] ?? range[1]);
      if (low > high || high > 65535) return undefined;
      specs.push({ low, high });
    } else if (/^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/i.test(part)) specs.push({ name: part });
    else return undefined;
  }
  return specs;
}

/** A set of port numbers. */
export class PortSet {
  static readonly EMPTY = new PortSet([]);
  readonly #ranges: readonly Range[];

  private constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }

  /** The ports of a parsed list; `resolve` gives the numbers behind a name, none when nothing is called so. */
  static of(specs: readonly PortSpec[], resolve: (name: string) => readonly number[] = () => []): PortSet {
    return new PortSet(
      specs.flatMap((spec) =>
        'name' in spec ? resolve(spec.name).map((port) => ({ low: port, high: port })) : [spec],
      ),
    );
  }

  /** The ports of a list in text form; undefined when it is malformed. */
  static parse(text: string, resolve?: (name: string) => readonly number[]): PortSet | undefined {
    const specs = parsePortList(text);
    return specs && PortSet.of(specs, resolve);
  }

  has(port: number): boolean {
    return this.#ranges.some(({ low, high }) => low <= port && port <= high);
  }

  /** Canonical text: `25,3000-3010`. */
  toString(): string {
    return this.#ranges.map(({ low, high }) => (low === high ? `${low}` : `${low}-${high}`)).join(',');
  }
}
