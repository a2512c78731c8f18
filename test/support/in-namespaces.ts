/** A program in namespaces of its own, where /run is its own too: as a run has them (providers/inside.ts). */

/** Constant: the words after it are argv. */
const MASK = 'mount -t tmpfs coalmine /run && exec "$@"';

export function inNamespaces(program: readonly string[]): [string, ...string[]] {
  const namespaces = ['--net', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child'];
  return ['unshare', ...namespaces, '--', 'sh', '-c', MASK, 'sh', ...program];
}
