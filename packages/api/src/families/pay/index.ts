import { Family } from '../../Family.js';
import { errors } from './errors.js';
import * as keys from './keys.js';
import * as payments from './payments.js';
import * as spendEvents from './spendEvents.js';
import * as wallets from './wallets.js';

/** The pay API: an SDK meets a 402, has it paid here, and repeats its request with the signature. */
export const pay = Family.from({
  id: 'pay',
  paths: ['/v1/pay', '/v1/keys', '/v1/spend-events'],
  credentials: ['apiKey', 'session'],
  errors,
  nouns: { payments, keys, wallets, spendEvents },
});
