/** Makes a booted machine a node: writes its files, sets its clock, gives it its addresses, starts its kubelet. */
import { posix } from 'node:path';
import { setClock } from '../../core/node-clock.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';
import type { Hand } from './hand.ts';
import { joinFiles, NETWORK_UNIT, type Joining } from './join-files.ts';

const STEP_MS = 120_000;
const KUBELET_UNIT = 'kubelet.service';

/** Resolves when the kubelet has been started; whether it gets Ready is seen from the API server. */
export async function joinNode(hand: Hand, joining: Joining, signal: AbortSignal): Promise<void> {
  const limits = { timeoutMs: STEP_MS, signal, code: 'provision' } as const;
  const name = joining.nodes[joining.index] ?? '';
  // Certificates are valid from now on: a node whose clock is behind would refuse them.
  await setClock(hand, limits);
  await runOrThrow(hand, { argv: ['hostname', name] }, limits);
  const files = joinFiles(joining);
  const folders = new Set(files.map((file) => posix.dirname(file.path)));
  await runOrThrow(hand, { argv: ['mkdir', '-p', ...folders] }, limits);
  for (const { path, content, mode } of files) await hand.writeFile(path, content, mode);
  // For a reboot; nothing is reloaded, because systemd has not seen either unit yet.
  const wanted = ['systemctl', '--no-reload', 'add-wants', 'multi-user.target'] as const;
  await runOrThrow(hand, { argv: [...wanted, NETWORK_UNIT, KUBELET_UNIT] }, limits);
  await runOrThrow(hand, { argv: ['systemctl', 'start', NETWORK_UNIT] }, limits);
  // Not waited for: a kubelet that does not come is told from the API server's side, with its last words.
  await runOrThrow(hand, { argv: ['systemctl', 'start', '--no-block', KUBELET_UNIT] }, limits);
}
