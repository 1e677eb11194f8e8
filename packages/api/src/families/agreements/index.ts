import { Family } from '../../Family.js';
import * as nouns from './agreements.js';
import { errors } from './errors.js';

/** Usage agreements: terms, money that waits, metered usage, settlement. */
export const agreements = Family.from({
  id: 'agreements',
  paths: ['/usage-agreements'],
  credentials: ['agent', 'agentKey', 'session', 'developer', 'admin'],
  errors,
  nouns: { agreements: nouns },
});
