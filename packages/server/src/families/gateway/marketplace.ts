import { gateway } from '@agentpay/api';
import { ledger } from '@agentpay/core';
import { implement } from '../../http/implement.js';

/** Parts per million in a percent. */
const PERCENT = 10_000;

export const handlers = implement(gateway.nouns.marketplace, ({ core }) => ({
  regions: async () => ({ regions: [...core.settings.catalog.regions] }),
  revenueRules: async () => ({
    platform_fee_pct: Number(ledger.movements.MARKET_FEE_PPM) / PERCENT,
    payout_schedule: 'monthly' as const,
  }),
  certifications: async () => ({ certifications: [...core.settings.catalog.certifications] }),
}));
