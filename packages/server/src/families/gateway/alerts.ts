import { gateway } from '@agentpay/api';
import { billing } from '@agentpay/core';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.alerts, ({ core }) => ({
  async create({ principal, body }) {
    const { id, status } = await billing.createAlert(core, { principal, threshold: body.threshold_usdc });
    return { alert_id: id, status };
  },
  async list({ principal }) {
    const alerts = await billing.listAlerts(core, { principal });
    return {
      alerts: alerts.map(({ id, type, threshold, firedMonth, createdAt }) => ({
        id,
        type,
        threshold_usdc: threshold,
        triggered_month: firedMonth,
        created_at: createdAt,
      })),
    };
  },
  async delete({ principal, params }) {
    const { status } = await billing.removeAlert(core, { principal, alertId: params.alert_id });
    return { status };
  },
}));
