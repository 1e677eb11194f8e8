import { gateway } from '@agentpay/api';
import { gateways } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { recoverMessageAddress } from 'viem';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.fundings, ({ core }) => ({
  async create({ principal, body }) {
    const { amount_usdc: amount, source } = body;
    const { id, status, clientSecret } = await gateways.fund(core, { principal, amount, source });
    const asked = { funding_id: id, status };
    return clientSecret === null ? asked : { ...asked, client_secret: clientSecret };
  },
  async claim({ principal, body }) {
    const address = body.address.toLowerCase();
    const message = `AgentPay: gateway ${principal.party.id} claims ${address}`;
    const signature = body.signature as `0x${string}`;
    const signer = await recoverMessageAddress({ message, signature }).catch(() => '');
    if (signer.toLowerCase() !== address)
      throw new AgentPayError('forbidden', 'The signature is not that of the address over this text.', {
        reason: 'signature_wrong',
        param: 'signature',
      });
    return { address, received_usdc: await gateways.claimAddress(core, { principal, address }) };
  },
  async get({ principal, params }) {
    const funding = await gateways.getFunding(core, { principal, fundingId: params.funding_id });
    return {
      funding_id: funding.id,
      status: funding.status,
      amount_usdc: funding.amount,
      source: funding.source,
      failure: funding.failure,
      created_at: funding.createdAt,
    };
  },
}));
