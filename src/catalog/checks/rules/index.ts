import type { Rule } from '../rule.ts';
import { DETAILING } from './detailing.ts';
import { DIMENSIONS } from './dimensions.ts';
import { IDENTITIES } from './identities.ts';
import { LIMITS } from './limits.ts';
import { WEIGHT } from './weight.ts';

/** Every rule about the numbers of one shape. */
export const RULES: readonly Rule[] = [...WEIGHT, ...IDENTITIES, ...LIMITS, ...DIMENSIONS, ...DETAILING];
