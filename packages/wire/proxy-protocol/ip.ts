/** Whether a text is an IPv4 address in dotted form, without leading zeros. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** An IPv6 address in its shortest form (RFC 5952); undefined for a text that is none. IPv4-mapped tails are taken too. */
export function shortestIpv6(text: string): string | undefined {
  const groups = groupsOf(text);
  return groups && showIpv6(groups);
}

/** The eight groups of an IPv6 address as its shortest text. */
export function showIpv6(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === 0) run++;
    if (run > length) {
      start = i;
      length = run;
    }
  }
  const show = (some: readonly number[]) => some.map((group) => group.toString(16)).join(':');
  return start < 0 ? show(groups) : `${show(groups.slice(0, start))}::${show(groups.slice(start + length))}`;
}

function groupsOf(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => (half === '' ? [] : partOf(half, i === halves.length - 1)));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function partOf(text: string, isLast: boolean): number[] | undefined {
  const words = text.split(':');
  const last = words.at(-1) ?? '';
  const groups: number[] = [];
  if (isLast && last.includes('.')) words.pop();
  for (const word of words) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(word)) return undefined;
    groups.push(Number.parseInt(word, 16));
  }
  if (!isLast || !last.includes('.')) return groups;
  if (!isIpv4(last)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = last.split('.').map(Number);
  return [...groups, a * 256 + b, c * 256 + d];
}
