/** A version that can name an artifact: three numbers, perhaps a pre-release. Refused before anything is asked or built. */
import { CoalmineError } from '../../core/errors.ts';

const VERSION = /^v?(\d+)\.(\d+)\.(\d+)(-(?:alpha|beta|rc)\.\d+)?$/;

export interface Version {
  major: number;
  minor: number;
  /** Without a leading v. */
  text: string;
}

/** Accepts `1.34.3`, `v1.34.3` and `1.35.0-rc.1`; anything else throws `component`. */
export function parseVersion(component: string, text: string): Version {
  const match = VERSION.exec(text);
  if (match === null)
    throw new CoalmineError('component', `${component}: \`${text}\` is not a full version`, {
      wayOut: 'write major.minor.patch, for example 1.34.3; coalmine never guesses a patch release',
    });
  const [, major = '', minor = ''] = match;
  return { major: Number(major), minor: Number(minor), text: text.replace(/^v/, '') };
}
