import { mppRail } from './mpp/mpp.js';
import type { PaymentRail } from './PaymentRail.js';
import { tokenRail } from './token/token.js';
import { x402v1Rail } from './x402v1/x402v1.js';
import { x402v2Rail } from './x402v2/x402v2.js';

/** Every dialect; where one text may be a proof of two of them, the first counts. */
export const rails: readonly PaymentRail[] = [x402v2Rail, x402v1Rail, mppRail, tokenRail];
