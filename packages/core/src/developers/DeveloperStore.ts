import { table } from '../table.js';
import type { Developer } from './Developer.js';

export const developers = table<Developer>('developers', {
  id: 'text',
  email: 'text',
  name: 'text',
  status: 'text',
  walletId: 'text',
  createdAt: 'timestamptz',
});
