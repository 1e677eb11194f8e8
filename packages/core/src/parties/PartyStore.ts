import { table } from '../table.js';
import type { Party } from './Party.js';

export const parties = table<Party>('parties', { id: 'text', kind: 'text' });
