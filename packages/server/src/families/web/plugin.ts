import { web } from '@agentpay/api';
import { implement } from '../../http/implement.js';

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#0b3d2e"/>\
<path d="M18 46 32 16l14 30M24 36h16" fill="none" stroke="#fff" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

export const handlers = implement(web.nouns.plugin, ({ baseUrl }) => ({
  get: async () => ({
    schema_version: 'v1',
    name_for_human: 'AgentPay',
    name_for_model: 'agentpay',
    description_for_human: 'Wallets, services and payments for AI agents.',
    description_for_model:
      'Reads wallets, finds services and pays for calls of them. A refusal has code, reason, message and hint: follow the hint. ' +
      'Refusals of policies and balances are business outcomes; tell the operator instead of trying again.',
    auth: { type: 'user_http', authorization_type: 'bearer' },
    api: { type: 'openapi', url: `${baseUrl()}/openapi/v2.json` },
    logo_url: `${baseUrl()}/logo.svg`,
    legal_info_url: `${baseUrl()}/`,
  }),
  logo: async () => ({ text: LOGO }),
}));
