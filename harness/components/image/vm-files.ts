/**
 * What makes a Debian root file system a machine's: our units and settings, and what need not start. Pure, so that a test
 * can say what is in it. The tools disk is mounted at NODE_DIR by the initrd, before systemd begins.
 */
import { NODE_DIR } from '../../core/names.ts';
import type { Artifact } from '../component.ts';
import { IRQBALANCE_HOME } from './irqbalance-unit.ts';
import type { LayerEntry } from './layer.ts';

const UNITS = '/etc/systemd/system';
const ON_PORT = '/usr/local/lib/coalmine/on-port';
/** The run's node agent, and the provider's own hand. */
const PORTS = ['agent', 'hand'];

/**
 * What is started at boot and has no use on a node that lives for minutes: each costs tenths of a second without KVM.
 * udev is there for what is plugged in later; what there is at boot, the initrd has loaded the drivers for.
 */
const MASKED = [
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer'],
  ...['fstrim.timer', 'systemd-tmpfiles-clean.timer', 'e2scrub_reap.service', 'remote-fs.target'],
  ...['getty.target', 'getty@tty1.service', 'serial-getty@ttyS0.service', 'console-getty.service'],
  ...['kmod-static-nodes.service', 'systemd-tmpfiles-setup-dev.service'],
  ...['modprobe@configfs.service', 'modprobe@drm.service', 'modprobe@efi_pstore.service'],
  ...['modprobe@fuse.service', 'modprobe@loop.service', 'modprobe@dm_mod.service'],
  ...['dev-hugepages.mount', 'dev-mqueue.mount', 'sys-kernel-debug.mount'],
  ...['sys-kernel-tracing.mount', 'sys-fs-fuse-connections.mount', 'sys-kernel-config.mount'],
  ...['proc-sys-fs-binfmt_misc.automount', 'systemd-binfmt.service', 'systemd-pstore.service'],
  ...['systemd-udev-trigger.service', 'systemd-hwdb-update.service', 'systemd-sysusers.service'],
  ...['systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service'],
  ...['systemd-user-sessions.service', 'systemd-logind.service', 'systemd-random-seed.service'],
  ...['systemd-journal-catalog-update.service', 'systemd-journal-flush.service'],
  ...['systemd-firstboot.service', 'systemd-machine-id-commit.service', 'ldconfig.service'],
  ...['systemd-ask-password-console.path', 'systemd-ask-password-wall.path'],
  ...['systemd-fsck-root.service', 'systemd-remount-fs.service', 'systemd-timesyncd.service'],
  ...['nftables.service', 'ipvsadm.service'],
];

/** Programs that systemd runs before anything else, to find what this root file system does not have. */
const GENERATORS = [
  ...['cryptsetup', 'debug', 'fstab', 'getty', 'gpt-auto', 'hibernate-resume', 'rc-local', 'run'],
  ...['bless-boot', 'integritysetup', 'system-update', 'sysv', 'veritysetup'],
].map((name) => `systemd-${name}-generator`);

const MODULES = [
  ...['overlay', 'br_netfilter', 'nf_conntrack', 'nf_tables'],
  ...['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh'],
];
const SYSCTLS = [
  'net.ipv4.ip_forward = 1',
  'net.bridge.bridge-nf-call-iptables = 1',
  'net.bridge.bridge-nf-call-ip6tables = 1',
  // Asked for by the kubelet, which would set them itself otherwise.
  'vm.overcommit_memory = 1',
  'kernel.panic = 10',
  'kernel.panic_on_oops = 1',
];

export interface VmPrograms {
  onPort: Artifact;
  kubelet: Artifact;
}

/** @param pauseImage what kubeadm expects as sandbox; another one in containerd's configuration would never be found */
export function vmEntries({ onPort, kubelet }: VmPrograms, pauseImage: string): LayerEntry[] {
  const file = (to: string, text: string): LayerEntry => ({ to, mode: 0o644, text });
  const wants = (target: string, unit: string, from = `${UNITS}/${unit}`): LayerEntry => ({
    to: `${UNITS}/${target}.wants/${unit}`,
    link: from,
  });
  return [
    { to: ON_PORT, mode: 0o755, artifact: onPort },
    { to: '/usr/bin/kubelet', mode: 0o755, artifact: kubelet },
    file(`${UNITS}/coalmine-agent@.service`, AGENT_UNIT),
    file(`${UNITS}/kubelet.service`, KUBELET_UNIT),
    ...PORTS.map((port) =>
      wants('sysinit.target', `coalmine-agent@${port}.service`, `${UNITS}/coalmine-agent@.service`),
    ),
    // Dangling where the plan has no irqbalance; systemd then knows no such unit.
    ...['irqbalance.service', 'irqbalance.service.d'].map((name) => ({
      to: `${UNITS}/${name}`,
      link: `${IRQBALANCE_HOME}/${name}`,
    })),
    wants('multi-user.target', 'irqbalance.service', `${IRQBALANCE_HOME}/irqbalance.service`),
    ...MASKED.map((unit) => ({ to: `${UNITS}/${unit}`, link: '/dev/null' })),
    ...GENERATORS.map((name) => ({
      to: `/etc/systemd/system-generators/${name}`,
      link: '/dev/null',
    })),
    { to: `${UNITS}/default.target`, link: '/usr/lib/systemd/system/multi-user.target' },
    { to: '/usr/lib/modules', link: `${NODE_DIR}/modules` },
    file('/etc/modules-load.d/coalmine.conf', lines(MODULES)),
    file('/etc/sysctl.d/90-coalmine.conf', lines(SYSCTLS)),
    file('/etc/containerd/config.toml', containerdConfig(pauseImage)),
    file('/etc/systemd/journald.conf.d/coalmine.conf', JOURNALD),
    file('/etc/fstab', ''),
    file('/etc/hostname', 'coalmine\n'),
    file('/etc/hosts', '127.0.0.1 localhost\n'),
    file('/etc/resolv.conf', ''),
  ];
}

/**
 * Starts before anything else does, and is the last to be told to end. What a command leaves running belongs to the agent
 * that ran it, and goes with it.
 */
const AGENT_UNIT = `[Unit]
Description=coalmine agent on the serial port coalmine.%i
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
StartLimitIntervalSec=0

[Service]
ExecStart=${ON_PORT} coalmine.%i ${NODE_DIR}/node ${NODE_DIR}/agent.mjs
Restart=always
RestartSec=100ms
TimeoutStopSec=10
OOMScoreAdjust=-999
TasksMax=infinity
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
`;

/** Configured and started when the node joins; not enabled. The environment file is the place for its arguments. */
const KUBELET_UNIT = `[Unit]
Description=kubelet
After=containerd.service
Wants=containerd.service
StartLimitIntervalSec=0

[Service]
EnvironmentFile=-/etc/default/kubelet
ExecStart=/usr/bin/kubelet $KUBELET_ARGS
Restart=always
RestartSec=1
KillMode=process
`;

/** Memory only: a journal on the disk doubles every write, and is not needed beyond a reboot. */
const JOURNALD = `[Journal]
Storage=volatile
RuntimeMaxUse=64M
RateLimitIntervalSec=0
`;

function containerdConfig(pauseImage: string): string {
  return `version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = true
`;
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
