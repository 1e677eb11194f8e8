import {
  EXACT_PERMIT2_PROXY,
  exactPermit2PayloadSchema,
  fromPermit2Authorization,
  hashExactPermit,
  parseShape,
  permit2Separator,
  toPermit2Authorization,
  type ExactPermit2Payload,
} from '@agentpay/protocol';
import { exactSettleCall, exactSettleWithPermitCall } from '@agentpay/evm';
import { permit2Scheme } from './permit2.js';

type Wire = ExactPermit2Payload['permit2Authorization'];

/** Scheme `exact` by Permit2 (x402 v2): the proxy pays exactly what the payer permitted, whoever calls it. */
export const exactPermit2 = permit2Scheme({
  name: 'exact-permit2',
  scheme: 'exact',
  proxy: EXACT_PERMIT2_PROXY,
  reasons: { scheme: 'unsupportedPayload', network: 'networkMismatch' },
  readPayload(payload) {
    const { permit2Authorization, signature } = parseShape(exactPermit2PayloadSchema, payload, 'payload');
    return { permit: toPermit2Authorization(permit2Authorization), signature };
  },
  toPermit: (wire) => toPermit2Authorization(wire as Wire),
  fromPermit: (permit) => fromPermit2Authorization(permit),
  digest: (chainId, permit) => hashExactPermit(permit2Separator(chainId), permit),
  settleCall: (permit, _amount, signature, allowance) =>
    allowance ? exactSettleWithPermitCall(permit, signature, allowance) : exactSettleCall(permit, signature),
  sponsored: true,
});
