import { gateway } from '@agentpay/api';
import { PERCENT_PPM } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.marketplace, ({ core }) => ({
  regions: async () => ({ regions: [...core.settings.catalog.regions] }),
  revenueRules: async () => ({
    platform_fee_pct: Number(core.settings.fees.marketplace.ppm) / Number(PERCENT_PPM),
    payout_schedule: 'monthly' as const,
  }),
  certifications: async () => ({ certifications: [...core.settings.catalog.certifications] }),
}));
