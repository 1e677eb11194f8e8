import { findNetwork, unixSeconds, type Clock } from '@agentpay/primitives';
import { recoverAuthorizer } from '@agentpay/evm';
import {
  bytesToHex,
  domainSeparator,
  exactPayloadSchema,
  hashAuthorization,
  keccak256,
  reasonCode,
  sameHex,
  toAuthorization,
  type ExactPayload,
  type Facilitator,
  type FacilitatorRequest,
  type Hex,
  type Reason,
} from '@agentpay/protocol';

/** "mock" in hexadecimal: how every transaction hash begins that no chain has seen. */
export const MOCK_HASH_PREFIX = '0x6d6f636b';
/** Payments that are remembered as used. */
const MAX_USED = 10_000;

/**
 * A facilitator for tests of buyers: it checks that the payer's own key signed, and when; it knows no balances, and no money moves.
 * A nonce is taken once, as on a chain.
 */
export function signatureFacilitator(clock: Clock): Facilitator {
  const used = new Set<string>();

  function refusalOf(request: FacilitatorRequest, payload: ExactPayload): Reason | undefined {
    const { validAfter, validBefore, nonce } = payload.authorization;
    const now = BigInt(unixSeconds(clock));
    if (!isSigned(request, payload)) return 'signature';
    if (BigInt(validBefore) <= now) return 'validBefore';
    if (BigInt(validAfter) > now) return 'validAfter';
    return used.has(nonce.toLowerCase()) ? 'nonceUsed' : undefined;
  }

  return {
    async verify(request) {
      const payload = exactPayloadSchema.parse(request.paymentPayload.payload);
      const refusal = refusalOf(request, payload);
      const payer = payload.authorization.from;
      return refusal
        ? { isValid: false, invalidReason: reasonCode(refusal, request.x402Version), payer }
        : { isValid: true, payer };
    },
    async settle(request) {
      const payload = exactPayloadSchema.parse(request.paymentPayload.payload);
      const { network } = request.paymentRequirements;
      const { from: payer, nonce } = payload.authorization;
      const refusal = refusalOf(request, payload);
      const refused = refusal !== undefined && refusal !== 'nonceUsed';
      if (refused)
        return {
          success: false,
          transaction: '',
          network,
          payer,
          errorReason: reasonCode(refusal, request.x402Version),
        };
      used.add(nonce.toLowerCase());
      if (used.size > MAX_USED) used.delete(used.values().next().value as string);
      return { success: true, transaction: mockHash(nonce), network, payer };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
}

function isSigned(
  { paymentRequirements }: FacilitatorRequest,
  { authorization, signature }: ExactPayload,
): boolean {
  const network = findNetwork(paymentRequirements.network);
  if (!network) return false;
  const domain = {
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  };
  const signer = recoverAuthorizer(
    hashAuthorization(domainSeparator(domain), toAuthorization(authorization)),
    signature,
  );
  return signer !== undefined && sameHex(signer, authorization.from);
}

function mockHash(nonce: Hex): Hex {
  return `${MOCK_HASH_PREFIX}${bytesToHex(keccak256(nonce.toLowerCase())).slice(10)}` as Hex;
}
