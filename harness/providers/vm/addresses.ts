/** Who has which address. Fixed, because every run has a network namespace of its own. Pure. */

/** The bridge's own address, where nodes reach the API server. */
export const API_ADDRESS = '172.31.0.1';
/** Where their kubelets do, so that a connection of one can be told from kube-proxy's. */
export const API_ADDRESS_OF_KUBELETS = '172.31.0.2';
export const API_PORT = 6443;
const PREFIX_LENGTH = 24;

/** @param index of the node, from 0 */
export function nodeAddress(index: number): string {
  return `172.31.0.${10 + index}`;
}

/** Pods of a node. */
export function podRange(index: number): string {
  return `10.244.${1 + index}.0/24`;
}

/** @param nic number of the NIC under test, from 0 */
export function testNicAddress(index: number, nic: number): string {
  return `172.31.${16 + 16 * index + nic}.2`;
}

/** This side's address on the tap of a NIC under test. */
export function testNicHostAddress(index: number, nic: number): string {
  return `172.31.${16 + 16 * index + nic}.1`;
}

export function withPrefix(address: string): string {
  return `${address}/${PREFIX_LENGTH}`;
}
