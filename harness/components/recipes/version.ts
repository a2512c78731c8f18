/** A version that can name an artifact: mostly three numbers, perhaps a pre-release. Refused before anything is asked or built. */
import { CoalmineError } from '../../core/errors.ts';
import { IRQBALANCE_SUFFIXES } from './irqbalance.ts';

interface Form {
  pattern: RegExp;
  /** What was written is not one. */
  what: string;
  wayOut: string;
}

const RELEASE: Form = {
  pattern: /^v?(\d+)\.(\d+)\.(\d+)(-(?:alpha|beta|rc)\.\d+)?$/,
  what: 'a full version',
  wayOut: 'write major.minor.patch, for example 1.34.3; coalmine never guesses a patch release',
};
/** What Debian has one of in each suite, or changes itself, is not known by upstream's version alone. */
const FORMS: Readonly<Partial<Record<string, Form>>> = {
  kernel: {
    pattern: /^(\d+)\.(\d+)$/,
    what: 'a series of kernels',
    wayOut:
      'write major.minor, for example 6.1: each Debian suite has the newest patch of its series',
  },
  irqbalance: {
    pattern: new RegExp(`^(\\d+)\\.(\\d+)\\.\\d+-[\\w.+~]+(${IRQBALANCE_SUFFIXES})?$`),
    what: 'a version of the Debian package',
    wayOut: 'write it with its revision, for example 1.9.2-1',
  },
};

export interface Version {
  major: number;
  minor: number;
  /** Without a leading v. */
  text: string;
}

/** Accepts `1.34.3`, `v1.34.3` and `1.35.0-rc.1`, and what else is its component's own form; others throw `component`. */
export function parseVersion(component: string, text: string): Version {
  const { pattern, what, wayOut } = FORMS[component] ?? RELEASE;
  const match = pattern.exec(text);
  if (match === null)
    throw new CoalmineError('component', `${component}: \`${text}\` is not ${what}`, { wayOut });
  const [, major = '', minor = ''] = match;
  return { major: Number(major), minor: Number(minor), text: text.replace(/^v/, '') };
}
