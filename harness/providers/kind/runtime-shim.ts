/**
 * A stand-in for runc where root itself lacks a capability. `docker run --privileged`, which kind always asks for,
 * names every capability, and runc fails with "unable to apply caps" on one that the bounding set lacks. The shim takes
 * those out of the bundle and hands over to the real runc. It is a POSIX script, as each `docker exec` starts it.
 */

/** In the kernel's order, include/uapi/linux/capability.h: the index is the bit. */
const CAPABILITIES =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`.split(
    /\s+/,
  );

/** Returns the capabilities that this kernel has and the bounding set in the text of /proc/self/status lacks. */
export function missingCapabilities(status: string, capLastCap: number): string[] {
  const hex = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (hex === undefined) throw new Error('no CapBnd line in /proc/self/status');
  const bounding = BigInt(`0x${hex}`);
  return CAPABILITIES.filter(
    (_, bit) => bit <= capLastCap && ((bounding >> BigInt(bit)) & 1n) === 0n,
  ).map((name) => `CAP_${name}`);
}

/**
 * Returns the shim. Only lists inside `"capabilities":{…}` are edited: in the compact JSON of containerd a quote inside
 * a string is always escaped, so no argument or variable of a container can look like that.
 */
export function runtimeShim(runc: string, missing: readonly string[]): string {
  const drop = missing
    .map(
      (name) =>
        `  -e ':${name}' -e 's/\\("capabilities":{[^}]*\\)"${name}",\\{0,1\\}/\\1/' -e 't${name}' \\\n`,
    )
    .join('');
  return `#!/bin/sh
# Takes capabilities that this machine lacks out of the bundle, then hands over to runc. Made by coalmine.
set -eu
strip() {
  sed -i \\
${drop}  -e ':comma' -e 's/\\("capabilities":{[^}]*\\),]/\\1]/' -e 'tcomma' "$1"
}
verb= bundle=. process= previous=
for word in "$@"; do
  case "$previous" in
    --bundle | -b) bundle=$word ;;
    --process | -p) process=$word ;;
  esac
  case "$word" in
    --bundle=*) bundle=\${word#*=} ;;
    --process=*) process=\${word#*=} ;;
    create | run | exec) verb=\${verb:-$word} ;;
  esac
  previous=$word
done
case "$verb" in
  create | run) strip "$bundle/config.json" ;;
  exec) [ -z "$process" ] || strip "$process" ;;
esac
exec '${runc}' "$@"
`;
}
