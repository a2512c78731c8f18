/** The node selector that every fault takes; the run resolves it (`run/nodes.ts`). */
import { z } from 'zod';
import { NODE_SELECTORS } from '../../core/plan.ts';

export const nodeParam = z.enum(NODE_SELECTORS).default('canary');
