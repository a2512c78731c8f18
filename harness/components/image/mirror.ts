/** Finds the Debian mirror in apt's own source lists, in both of their formats. */

export interface SourceList {
  file: string;
  text: string;
}

interface Entry {
  uri: string;
  suites: readonly string[];
  components: readonly string[];
}

/** Debian's releases by code name; an archive with another suite is not Debian's main one. */
const DEBIAN = ['bullseye', 'bookworm', 'trixie', 'forky', 'stable', 'testing', 'sid', 'unstable'];

/**
 * Returns the first archive that carries `main` of the wanted suite, else of any Debian suite: a mirror has them all.
 * Undefined where apt knows no Debian archive.
 */
export function mirrorOf(lists: readonly SourceList[], suite: string): string | undefined {
  const entries = lists
    .flatMap(({ file, text }) =>
      file.endsWith('.sources') ? deb822Entries(text) : oneLineEntries(text),
    )
    .filter((entry) => entry.components.includes('main') && /^https?:\/\//.test(entry.uri));
  const carrying = (suites: readonly string[]): Entry | undefined =>
    entries.find((entry) => entry.suites.some((name) => suites.includes(name)));
  return (carrying([suite]) ?? carrying(DEBIAN))?.uri;
}

function oneLineEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) return [];
    const [, uri = '', suite = '', components = ''] = match;
    return [{ uri, suites: [suite], components: words(components) }];
  });
}

function deb822Entries(text: string): Entry[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of stanza.split('\n').filter((text) => !text.startsWith('#'))) {
      const field = /^([\w-]+):\s*(.*)$/.exec(line);
      if (field?.[1] !== undefined) last = field[1].toLowerCase();
      const before = fields.get(last);
      fields.set(last, [before, field?.[2] ?? line].filter((part) => part !== undefined).join(' '));
    }
    const list = (name: string): string[] => words(fields.get(name) ?? '');
    if (!list('types').includes('deb') || fields.get('enabled')?.trim() === 'no') return [];
    return list('uris').map((uri) => ({
      uri,
      suites: list('suites'),
      components: list('components'),
    }));
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
