/** What a node that does not get Ready has to say: its kubelet, its containerd, its console. */
import type { Hand } from './hand.ts';
import type { Machine } from './machine.ts';

/** A kubelet that does not come says why; containerd says a lot at each start. */
const LINES = { kubelet: 12, containerd: 4 };
/** The kubelet says the same error inside of three others; where it begins and where it ends tell what it is. */
const LINE_CHARS = 600;
const LIMITS = { timeoutMs: 20_000 };

/** Never throws: it stands in for the error that it explains. */
export async function lastWords(machine: Machine, hand: Hand): Promise<string> {
  const said: string[] = [];
  for (const [unit, lines] of Object.entries(LINES)) {
    const argv = ['journalctl', '--no-pager', '--output=cat', `--lines=${lines}`] as const;
    const command = { argv: [...argv, `--unit=${unit}`] } as const;
    const { exitCode, stdout } = await hand.run(command, LIMITS).catch(() => NO_ANSWER);
    said.push(exitCode === 0 ? inShort(stdout.trim()) : `its journal of ${unit} cannot be read`);
  }
  return `--- ${machine.spec.name}\n${said.join('\n')}${await machine.consoleTail()}`;
}

function inShort(lines: string): string {
  const half = LINE_CHARS / 2;
  const cut = (line: string): string => `${line.slice(0, half)} … ${line.slice(-half)}`;
  return lines
    .split('\n')
    .map((line) => (line.length > LINE_CHARS ? cut(line) : line))
    .join('\n');
}

const NO_ANSWER = { exitCode: null, stdout: '' };
