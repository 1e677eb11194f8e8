import { decodeRequest, encodeResponse, gateway, type Endpoint } from '@agentpay/api';
import { gateways, type Core } from '@agentpay/core';
import type { Amount } from '@agentpay/primitives';

const { fund, authorize } = gateway.paid;

/** What a body asks to pay for. */
export interface PaidOrder {
  readonly amount: Amount;
  readonly authorize?: { readonly memo: string };
}

/** An endpoint that is paid by x402 itself. */
export interface PaidRoute {
  readonly endpoint: Endpoint;
  /** What is bought, for the payer. */
  readonly description: string;
  /** @throws AgentPayError `invalid_request`, `invalid_amount` */
  readonly read: (body: unknown) => PaidOrder;
  /** What a payment has bought, on the wire. */
  readonly answer: (core: Core, paid: { readonly reference: string }) => Promise<Record<string, unknown>>;
}

const plain = { params: {}, query: {} };

export const paidRoutes: readonly PaidRoute[] = [
  {
    endpoint: fund,
    description: 'Money for a gateway',
    read: (body) => ({ amount: decodeRequest(fund, { ...plain, body }).body.amount_usdc }),
    async answer(core, paid) {
      const { id, status } = await gateways.paidBy(core, paid);
      return encodeResponse(fund, { funding_id: id, status });
    },
  },
  {
    endpoint: authorize,
    description: 'Money that is held for a gateway',
    read(wire) {
      const { body } = decodeRequest(authorize, { ...plain, body: wire });
      return { amount: body.amount_usdc, authorize: { memo: body.memo } };
    },
    async answer(core, paid) {
      const { id, status, expiresAt } = await gateways.authorizedBy(core, paid);
      return encodeResponse(authorize, { authorization_id: id, status, expires_at: expiresAt });
    },
  },
];
