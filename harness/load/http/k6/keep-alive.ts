/** One TCP connection for each user, kept for all of its requests. */
import type { Options } from 'k6/options';
import { requestsOfOneLine, sayEnded, untilReady } from './requests.ts';
import { sharedOptions } from './settings.ts';

export const options: Options = { ...sharedOptions(), noConnectionReuse: false };

export const setup = untilReady;
export const teardown = sayEnded;
export default requestsOfOneLine;
