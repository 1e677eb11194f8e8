import { numberBounds, textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { httpUrl, id, line, timestamp } from '../../resources/values.js';

const WEBHOOK = 'wh_01kb3x9v7f5m2q8r4t6w0y1z3r';
const auth = anyOf('developer');
const params = z.object({ webhook_id: id('webhook') });

/** POST /webhooks */
export const create = Endpoint.from({
  summary:
    "Tells a URL of the developer's events from now on. The secret that signs the deliveries is shown this once.",
  method: 'POST',
  path: '/webhooks',
  auth,
  body: z.object({
    url: httpUrl,
    events: z.array(line(textBounds.name)).min(1).max(numberBounds.webhookEvents),
  }),
  response: z.object({ webhook_id: z.string(), status: z.string(), secret: z.string() }),
  status: 200,
  errors: ['conflict'],
  example: {
    body: { url: 'https://example.com/hook', events: ['invoice.paid'] },
    response: {
      webhook_id: WEBHOOK,
      status: 'active',
      secret: 'whsec_b3V0IG9mIHRoaXJ0eS10d28gcmFuZG9tIGJ5dGVzIQ==',
    },
  },
});

/** GET /webhooks */
export const list = Endpoint.from({
  summary: "Lists the developer's webhooks, oldest first.",
  method: 'GET',
  path: '/webhooks',
  auth,
  response: z.object({
    webhooks: z.array(
      z.object({
        id: z.string(),
        url: z.string(),
        events: z.array(z.string()),
        status: z.string(),
        created_at: timestamp,
      }),
    ),
  }),
  status: 200,
  example: {
    response: {
      webhooks: [
        {
          id: WEBHOOK,
          url: 'https://example.com/hook',
          events: ['invoice.paid'],
          status: 'active',
          created_at: '2026-02-26T20:10:00Z',
        },
      ],
    },
  },
});

/** DELETE /webhooks/{webhook_id} */
const remove = Endpoint.from({
  summary: 'Tells a webhook nothing more.',
  method: 'DELETE',
  path: '/webhooks/{webhook_id}',
  auth,
  params,
  response: z.object({ status: z.string() }),
  status: 200,
  errors: ['webhook_not_found'],
  example: { params: { webhook_id: WEBHOOK }, response: { status: 'deleted' } },
});
export { remove as delete };
