import {
  fromPermit2Authorization,
  hashUptoPermit,
  parseShape,
  permit2Separator,
  toPermit2Authorization,
  UPTO_PERMIT2_PROXY,
  uptoPayloadSchema,
  type Permit2Authorization,
  type UptoPayload,
  type UptoWitness,
} from '@agentpay/protocol';
import { uptoSettleCall } from '@agentpay/evm';
import { permit2Scheme } from './permit2.js';
import type { Permit } from './Permit2Payment.js';

type Wire = UptoPayload['permit2Authorization'];

/**
 * Scheme `upto` (x402 v2): the payer permits a ceiling, and names the facilitator that may take any part of it, once. The amount of the
 * requirements is the ceiling when it is verified and what is due when it is settled.
 */
export const upto = permit2Scheme({
  name: 'upto',
  scheme: 'upto',
  proxy: UPTO_PERMIT2_PROXY,
  reasons: { scheme: 'uptoUnsupportedScheme', network: 'uptoNetworkMismatch' },
  readPayload(payload) {
    const { permit2Authorization, signature } = parseShape(uptoPayloadSchema, payload, 'payload');
    return { permit: toPermit2Authorization(permit2Authorization), signature };
  },
  toPermit: (wire) => toPermit2Authorization(wire as Wire),
  fromPermit: (permit) => fromPermit2Authorization(named(permit)),
  digest: (chainId, permit) => hashUptoPermit(permit2Separator(chainId), named(permit)),
  settleCall: (permit, amount, signature) => uptoSettleCall(named(permit), amount, signature),
  sponsored: false,
});

/** The payload's shape made sure that it names the facilitator. */
function named(permit: Permit): Permit2Authorization<UptoWitness> {
  return permit as Permit2Authorization<UptoWitness>;
}
