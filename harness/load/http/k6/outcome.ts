/** What became of a request, in our words. k6's error codes: https://grafana.com/docs/k6/latest/javascript-api/error-codes */
import type { RefinedResponse, ResponseType } from 'k6/http';

export type Outcome = { kind: 'ok' } | { kind: 'timeout' } | { kind: 'error'; code: string };

const TIMEOUTS = [1050, 1211];
const REFUSED = 1212;
const RESETS = [1201, 1220];
const DNS_FIRST = 1100;
const DNS_LAST = 1199;

export function outcomeOf(response: RefinedResponse<ResponseType | undefined>): Outcome {
  const code = response.error_code;
  if (TIMEOUTS.includes(code)) return { kind: 'timeout' };
  if (code === REFUSED) return { kind: 'error', code: 'refused' };
  if (RESETS.includes(code)) return { kind: 'error', code: 'reset' };
  if (code >= DNS_FIRST && code <= DNS_LAST) return { kind: 'error', code: 'dns' };
  if (response.status !== 0)
    return response.status >= 200 && response.status < 300
      ? { kind: 'ok' }
      : { kind: 'error', code: `status-${response.status}` };
  return { kind: 'error', code: `k6-${code}` };
}
