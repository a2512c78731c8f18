/**
 * Imported before anything that makes a schema: to compile what checks a message costs more than to check the few that an
 * agent gets, and a node without KVM a tenth of a second.
 */
import { z } from 'zod';

z.config({ jitless: true });
