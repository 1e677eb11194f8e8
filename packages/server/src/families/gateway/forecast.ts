import { gateway } from '@agentpay/api';
import { billing } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.forecast, ({ core }) => ({
  async get({ principal }) {
    const { total, metered, subscriptions } = await billing.forecast(core, { principal });
    return { next_30_days_usdc: total, usage_usdc: metered, subscriptions_usdc: subscriptions };
  },
}));
