import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

/** GET /.well-known/ai-plugin.json */
export const get = Endpoint.from({
  summary: 'The plugin manifest: what the API is for, how to sign in, and where its Swagger 2.0 document is.',
  method: 'GET',
  path: '/.well-known/ai-plugin.json',
  auth: anyone,
  response: z.object({
    schema_version: z.string(),
    name_for_human: z.string(),
    name_for_model: z.string(),
    description_for_human: z.string(),
    description_for_model: z.string(),
    auth: z.object({ type: z.string(), authorization_type: z.string() }),
    api: z.object({ type: z.string(), url: z.string() }),
    logo_url: z.string(),
    legal_info_url: z.string(),
    contact_email: z.string().optional(),
  }),
  status: 200,
  example: {
    response: {
      schema_version: 'v1',
      name_for_human: 'AgentPay',
      name_for_model: 'agentpay',
      description_for_human: 'Wallets, services and payments for AI agents.',
      description_for_model: 'Reads wallets, finds services and pays for calls of them.',
      auth: { type: 'user_http', authorization_type: 'bearer' },
      api: { type: 'openapi', url: 'https://pay.example.com/openapi/v2.json' },
      logo_url: 'https://pay.example.com/logo.svg',
      legal_info_url: 'https://pay.example.com/',
    },
  },
});

/** GET /logo.svg */
export const logo = Endpoint.text({
  summary: 'The logo.',
  method: 'GET',
  path: '/logo.svg',
  auth: anyone,
  contentType: 'image/svg+xml',
});
