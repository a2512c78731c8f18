/** Parameters that the DNS loads share. */
import { z } from 'zod';
import { positiveDurationSchema } from '../../core/duration.ts';

/** A comma would split the name on the generator's command line. */
const dnsName = z
  .string()
  .regex(/^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,250}[A-Za-z0-9_.])?$/, 'this must be a domain name');

/** Without a search list, as a DNS server sees them. */
export const absoluteNames = z
  .array(dnsName)
  .min(1)
  .default(['echo.coalmine.svc.cluster.local', 'kubernetes.default.svc.cluster.local']);

/** As an application writes them; the pod's search list does the rest. */
export const searchedNames = z.array(dnsName).min(1).default(['echo', 'kubernetes.default']);

export const dnsServerParam = z
  .union([z.ipv4(), z.ipv6()])
  .optional()
  .describe("the server to ask; without it, the pod's first nameserver");

/** glibc's own limit for one try. */
export const dnsTimeout = positiveDurationSchema.prefault('5s');
