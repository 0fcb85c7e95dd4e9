/** One mount. `options` without `bind` for new filesystems, e.g. `['nosuid', 'size=64m']`. */
export interface Mount {
  source: string;
  target: string;
  type: 'bind' | 'rbind' | 'overlay' | 'proc' | 'sysfs' | 'tmpfs' | 'devpts';
  options?: readonly string[];
}

const BIND_TYPES = new Set<string>(['bind', 'rbind']);

/** fstab writes white space and backslashes in octal. */
const encodeField = (text: string): string =>
  text.replace(/[\s\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** The fstab text of mounts, in order. */
export function encodeFstab(mounts: readonly Mount[]): string {
  return mounts.map(encodeLine).join('');
}

function encodeLine({ source, target, type, options = [] }: Mount): string {
  const isBind = BIND_TYPES.has(type);
  const all = isBind ? [type, ...options] : options;
  return `${encodeField(source)} ${encodeField(target)} ${isBind ? 'none' : type} ${encodeField(all.join(',') || 'defaults')} 0 0\n`;
}

/** The option text of an overlay. Without `upper` it is read-only and needs two lower layers, topmost first. */
export function overlayOptions(layers: { lower: readonly string[]; upper?: string; work?: string }): string[] {
  const lower = `lowerdir=${layers.lower.join(':')}`;
  if (layers.upper === undefined) return ['ro', lower];
  return [lower, `upperdir=${layers.upper}`, `workdir=${layers.work ?? ''}`];
}
