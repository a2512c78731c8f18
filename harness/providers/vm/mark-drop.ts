/**
 * A chain that kubelets made until 1.27 and kube-proxy before 1.20 takes for granted: without it all of its
 * iptables-restore fails, and in 1.13 a sync then ends before old virtual servers are removed.
 */
import type { Executor } from '../../core/command.ts';
import { runOrThrow } from '../../exec/run-or-throw.ts';

const CHAIN = [
  '*nat',
  ':KUBE-MARK-DROP - [0:0]',
  '-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000',
  'COMMIT',
  '',
].join('\n');

/** @param kubeProxies versions that kube-proxy has during the run */
export function needsMarkDrop(kubeProxies: readonly string[]): boolean {
  return kubeProxies.some((version) => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major === 1 && minor < 20;
  });
}

export async function makeMarkDrop(node: Executor, signal: AbortSignal): Promise<void> {
  const argv = ['iptables-restore', '--noflush', '--wait', '10'] as const;
  await runOrThrow(node, { argv, stdin: CHAIN }, { timeoutMs: 60_000, signal });
}
