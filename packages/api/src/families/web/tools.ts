import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { toolFormat } from '../../documents/tools.js';
import { Endpoint } from '../../Endpoint.js';

/** GET /ai/tools */
export const list = Endpoint.from({
  summary: 'Gives the calls of the API as tools, in the form that an AI platform takes.',
  method: 'GET',
  path: '/ai/tools',
  auth: anyone,
  query: z.object({ format: toolFormat.default('openai') }),
  response: z.object({ format: toolFormat, tools: z.array(z.looseObject({})) }),
  status: 200,
  example: {
    query: { format: 'anthropic' },
    response: {
      format: 'anthropic',
      tools: [
        {
          name: 'wallets_balance',
          description: 'Reads a wallet: `balance` is what is available plus what is held for open tokens.',
          input_schema: {
            type: 'object',
            properties: { wallet_id: { type: 'string' } },
            required: ['wallet_id'],
          },
        },
      ],
    },
  },
});
