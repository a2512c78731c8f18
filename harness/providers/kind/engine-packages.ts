/** What a private engine consists of, by Debian's names: for `coalmine setup`. */
export const ENGINE_PACKAGES = [
  'docker.io',
  'containerd',
  'runc',
  'iptables',
  'iproute2',
  'util-linux',
] as const;
