/** Whether a process can be saved and goes on here, found by doing it: `criu check` asks for more than a control plane needs. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { local } from '../../exec/local.ts';
import { insideArgv } from '../inside.ts';
import { criuArgv, ownsTheMachine, type Criu } from './checkpoint.ts';

const TRIAL_MS = 20_000;
const LOG = 'criu.log';

/**
 * Constant: its first argument is an empty folder, the second what goes before a restore, the others are words that start
 * CRIU. What it saves may have nothing open that comes from outside, and none of its own logs, which grow meanwhile.
 */
const TRIAL = `cd "$1" || exit
before=$2
shift 2
exec </dev/null >/dev/null 2>&1
ip link set lo up || exit
sleep 60 &
how="--images-dir . --log-file ${LOG} -v1 --shell-job"
"$@" dump --tree $! $how || exit
$before "$@" restore $how --restore-detached && kill -0 $!`;

/** As `inTimeOf` says it, with no time between. */
const IN_TIME = 'unshare --time --monotonic 0 --boottime 0 --fork --';

/** Returns why it does not work on this kernel, or as this user. Never throws; nothing of it is left. */
export async function checkpointRefusal(criu: Criu): Promise<string | undefined> {
  try {
    const folder = await mkdtemp(path.join(tmpdir(), 'coalmine-criu-'));
    try {
      return await refusalIn(folder, criu);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    return messageOf(error);
  }
}

async function refusalIn(folder: string, criu: Criu): Promise<string | undefined> {
  const before = ownsTheMachine() ? '' : IN_TIME;
  const argv = insideArgv(['setsid', 'sh', '-c', TRIAL, 'sh', folder, before, ...criuArgv(criu)]);
  const { exitCode, stderr } = await local.run({ argv }, { timeoutMs: TRIAL_MS });
  if (exitCode === 0) return undefined;
  const log = await readFile(path.join(folder, LOG), 'utf8').catch(() => '');
  const last = `${stderr}\n${log}`.trim().split('\n').at(-1) ?? '';
  return last === '' ? `exit code ${exitCode ?? '?'}` : last;
}
