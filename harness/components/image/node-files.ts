/**
 * What makes a Debian root file system a kind node: kind's files, its choice of units, the CNI plugins where kubelet
 * looks for them. Pure, so that a test can say what is in a node image.
 */
import type { LayerEntry } from './layer.ts';

export interface TextFile {
  /** Relative to `/`. */
  path: string;
  text: string;
}

const UNITS = '/etc/systemd/system';
const ENABLED = ['containerd', 'kubelet', 'undo-mount-hacks'];
/** Units of the packages that have no place in a container; kind deletes the same ones from their wants folders. */
const MASKED = [
  ...['systemd-udevd.service', 'systemd-udev-trigger.service', 'systemd-udevd-control.socket'],
  ...['systemd-udevd-kernel.socket', 'systemd-initctl.socket', 'systemd-binfmt.service'],
  ...['systemd-tmpfiles-setup.service', 'getty.target'],
];
/** Folders of links that start things at boot: nothing but our own units is wanted. */
const EMPTIED = [
  ...['multi-user', 'getty', 'sysinit', 'timers'].map(
    (target) => `${UNITS}/${target}.target.wants`,
  ),
  ...['multi-user', 'local-fs'].map((target) => `/usr/lib/systemd/system/${target}.target.wants`),
  '/etc/kubernetes/manifests',
  '/etc/cni/net.d',
];
const CNI_PLUGINS = ['ptp', 'host-local', 'portmap', 'loopback'];

/** @param pauseImage what kubeadm expects as sandbox; another one in containerd's configuration would never be found */
export function kindNodeEntries(kindFiles: readonly TextFile[], pauseImage: string): LayerEntry[] {
  return [
    ...kindFiles
      .filter((file) => !file.path.startsWith('LICENSES/'))
      .map((file) => ({
        to: `/${file.path}`,
        mode: modeOf(file.path),
        text: adapt(file, pauseImage),
      })),
    ...EMPTIED.map((to) => ({ to, emptied: true as const })),
    ...MASKED.map((unit) => ({ to: `${UNITS}/${unit}`, link: '/dev/null' })),
    ...ENABLED.map((unit) => ({
      to: `${UNITS}/multi-user.target.wants/${unit}.service`,
      link: `${UNITS}/${unit}.service`,
    })),
    ...CNI_PLUGINS.map((plugin) => ({
      to: `/opt/cni/bin/${plugin}`,
      link: `/usr/lib/cni/${plugin}`,
    })),
    // Kernel messages are the host's; in a node's journal they would only confuse.
    { to: '/etc/systemd/journald.conf.d/kind.conf', mode: 0o644, text: '[Journal]\nReadKMsg=no\n' },
  ];
}

function modeOf(path: string): number {
  return path.startsWith('usr/local/bin/') || path.startsWith('kind/bin/') ? 0o755 : 0o644;
}

function adapt(file: TextFile, pauseImage: string): string {
  if (file.path === 'etc/systemd/system/containerd.service')
    return file.text.replace('/usr/local/bin/containerd', '/usr/bin/containerd');
  if (file.path === 'etc/containerd/config.toml')
    return file.text.replace(/sandbox_image = ".*"/, `sandbox_image = "${pauseImage}"`);
  return file.text;
}
