/** DNS messages, as little as a load generator needs: encode a question once, recognise its answer by its bytes. */
const DNS_TYPES = { A: 1, AAAA: 28 } as const;
export type DnsType = keyof typeof DNS_TYPES;

const HEADER_BYTES = 12;
const NAME_MAX_BYTES = 255;
const LABEL_MAX_BYTES = 63;
const RECURSION_DESIRED = 0x01;
const IS_RESPONSE = 0x80;
const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** Returns a query with id 0 for an absolute name, with or without its last dot. */
export function encodeQuery(name: string, type: DnsType): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const encoded = labels.map((label) => Buffer.from(label, 'latin1'));
  const nameBytes = encoded.reduce((sum, label) => sum + label.length + 1, 1);
  if (
    nameBytes > NAME_MAX_BYTES ||
    encoded.some((label) => label.length === 0 || label.length > LABEL_MAX_BYTES)
  )
    throw new Error(`'${name}' is not a domain name`);
  const packet = Buffer.alloc(HEADER_BYTES + nameBytes + 4);
  packet[2] = RECURSION_DESIRED;
  packet.writeUInt16BE(1, 4);
  let offset = HEADER_BYTES;
  for (const label of encoded) {
    packet[offset] = label.length;
    label.copy(packet, offset + 1);
    offset += label.length + 1;
  }
  packet.writeUInt16BE(DNS_TYPES[type], offset + 1);
  packet.writeUInt16BE(1, offset + 3);
  return packet;
}

/** Returns the id of a message, or -1 where it is too short to have one. */
export function messageId(message: Buffer): number {
  return message.length < HEADER_BYTES ? -1 : message.readUInt16BE(0);
}

/** Returns the rcode if `message` answers `query` (ids are the caller's business), else -1: garbage is not an answer. */
export function readAnswer(message: Buffer, query: Buffer): number {
  if (message.length < query.length) return -1;
  const flags = message[2] ?? 0;
  if ((flags & IS_RESPONSE) === 0 || message.readUInt16BE(4) !== 1) return -1;
  for (let index = HEADER_BYTES; index < query.length; index += 1)
    if (message[index] !== query[index]) return -1;
  return (message[3] ?? 0) & 0x0f;
}

export function rcodeName(rcode: number): string {
  return RCODES[rcode] ?? `RCODE${rcode}`;
}
