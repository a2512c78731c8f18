/**
 * Backends that drain and have nothing left to drain (`KernelFront.idle`): kube-proxy has to take them away, and does it
 * by a job that runs once a minute. Each is an episode `lingering`, from the first reading that shows it to the first that
 * does not; how long is too long, a checker says.
 */
import type { EventOf } from '../../core/history.ts';
import type { EntryName } from './age.ts';
import type { FrontKey, KernelRules } from './rules.ts';

export interface IdleBackends {
  reading(tMs: number, rules: KernelRules): void;
  stop(tMs: number): void;
}

interface Lingering {
  entry: EntryName;
  sinceMs: number;
}

export function createIdleBackends(
  nameOf: (key: FrontKey, endpoint: string) => EntryName,
  emit: (event: EventOf<'rule-episode'>) => void,
): IdleBackends {
  const idle = new Map<string, Lingering>();
  const say = ({ entry, sinceMs }: Lingering, tMs: number, untilMs: number | null): void => {
    emit({ tMs, kind: 'rule-episode', ...entry, error: 'lingering', sinceMs, untilMs });
  };
  return {
    reading: (tMs, rules) => {
      const now = new Set<string>();
      for (const [key, front] of rules) {
        for (const endpoint of front.idle ?? []) {
          const id = `${key} ${endpoint}`;
          now.add(id);
          if (!idle.has(id)) idle.set(id, { entry: nameOf(key, endpoint), sinceMs: tMs });
        }
      }
      for (const [id, lingering] of idle) {
        if (now.has(id)) continue;
        idle.delete(id);
        say(lingering, tMs, tMs);
      }
    },
    stop: (tMs) => {
      for (const lingering of idle.values()) say(lingering, tMs, null);
      idle.clear();
    },
  };
}
