/** Address ranges inside a cluster, the same with every provider that makes one. */
export const POD_SUBNET = '10.244.0.0/16';
export const SERVICE_SUBNET = '10.96.0.0/16';
/** Of the Service `kubernetes`, behind which is the API server: the first of its range. */
export const KUBERNETES_ADDRESS = '10.96.0.1';
/** Of the Service of CoreDNS: the tenth of its range, as kubeadm has it. */
export const DNS_ADDRESS = '10.96.0.10';
