/** A new TCP connection for each request: each one is a new flow, which must pass the Service's rules afresh. */
import type { Options } from 'k6/options';
import { requestsOfOneLine, sayEnded, untilReady } from './requests.ts';
import { sharedOptions } from './settings.ts';

export const options: Options = { ...sharedOptions(), noConnectionReuse: true };

export const setup = untilReady;
export const teardown = sayEnded;
export default requestsOfOneLine;
