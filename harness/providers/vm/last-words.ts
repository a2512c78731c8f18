/** What a node that does not get Ready has to say: its kubelet, its containerd, its console. */
import type { Hand } from './hand.ts';
import type { Machine } from './machine.ts';

const LINES = 12;
const LIMITS = { timeoutMs: 20_000 };

/** Never throws: it stands in for the error that it explains. */
export async function lastWords(machine: Machine, hand: Hand): Promise<string> {
  const journal = ['journalctl', '--no-pager', '--output=cat', `--lines=${LINES}`] as const;
  const argv = [...journal, '--unit=kubelet', '--unit=containerd'] as const;
  const said = await hand.run({ argv }, LIMITS).catch(() => undefined);
  const text = said?.exitCode === 0 ? said.stdout.trim() : 'its journal cannot be read';
  return `--- ${machine.spec.name}\n${text}${await machine.consoleTail()}`;
}
