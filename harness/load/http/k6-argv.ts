/** How k6 is called so that its standard output holds our lines and, of its own, only warnings (tried with 1.8.1). */
export interface K6Options {
  url: string;
  rate: number;
  users: number;
  timeoutMs: number;
  /** Stop after this time; without it, only a signal ends the load. */
  durationMs?: number;
}

/** Longer than any soak; k6 has no "until stopped". */
const FOREVER_MS = 365 * 24 * 3_600_000;

/** k6 would otherwise try to build itself anew, over the network, for an import that it does not know. */
export const K6_ENV: Readonly<Record<string, string>> = {
  K6_AUTO_EXTENSION_RESOLUTION: 'false',
};

export function k6Argv(program: string, script: string, options: K6Options): [string, ...string[]] {
  const env = {
    TARGET_URL: options.url,
    RATE: options.rate,
    USERS: options.users,
    TIMEOUT_MS: options.timeoutMs,
    DURATION_MS: options.durationMs ?? FOREVER_MS,
  };
  return [
    program,
    ...['run', '--quiet', '--no-color', '--no-usage-report'],
    ...['--summary-mode', 'disabled', '--no-thresholds'],
    // No REST server on a port that something else may have.
    ...['--address', ''],
    // console.log goes to stdout as it is. So do k6's own warnings, which readers skip: --console-output /dev/stdout would
    // keep them apart, but it cannot be opened where stdout is a socket.
    ...['--log-output', 'stdout', '--log-format', 'raw'],
    ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    script,
  ];
}
