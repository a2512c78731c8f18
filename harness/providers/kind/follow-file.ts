/** Follows a file on a node of kind. */
import { createInterface } from 'node:readline';
import { startLocal } from '../../exec/local.ts';
import { tailArgv, type FollowFile } from '../kube-proxy-logs.ts';
import type { Engine } from './engine.ts';

export function followOn(engine: Engine): FollowFile {
  return (node, file, onLine) => {
    const tail = startLocal(engine.command(['exec', node, ...tailArgv(file)]));
    tail.stdin.end();
    tail.stderr.resume();
    createInterface({ input: tail.stdout }).on('line', onLine);
    return () => {
      tail.kill('SIGKILL');
    };
  };
}
