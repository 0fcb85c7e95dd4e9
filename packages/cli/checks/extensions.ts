import { NAMESPACES } from '#api/kube';
import { type Category, CheckFailure, CheckSkipped } from './check.ts';
import type { CheckSubject } from './subject.ts';

export const EXTENSION_LABEL = 'linkerd.io/extension';

/** Installed extensions and their namespaces, by the namespaces' label. */
export async function installedExtensions(subject: CheckSubject): Promise<Map<string, string[]>> {
  const { items } = await (await subject.client()).list(NAMESPACES, { labelSelector: EXTENSION_LABEL });
  const found = new Map<string, string[]>();
  for (const { metadata } of items) {
    const extension = metadata.labels?.[EXTENSION_LABEL] ?? '';
    found.set(extension, [...(found.get(extension) ?? []), metadata.name ?? '']);
  }
  return found;
}

export const extensionCategory = (subject: CheckSubject): Category => ({
  name: 'linkerd-extension-checks',
  checks: [
    {
      description: 'namespace configuration for extensions',
      anchor: 'l5d-extension-namespaces',
      remedy:
        'No two namespaces carry the label linkerd.io/extension with the same value. Take the label from the one that the extension does not live in.',
      severity: 'warning',
      async run() {
        const extensions = await installedExtensions(subject);
        if (extensions.size === 0) throw new CheckSkipped('no extensions');
        const doubled = [...extensions].filter(([, namespaces]) => namespaces.length > 1);
        if (doubled.length > 0)
          throw new CheckFailure(
            'some extensions are in several namespaces:',
            doubled.map(([extension, namespaces]) => `${extension}: ${namespaces.join(', ')}`),
          );
      },
    },
  ],
});
