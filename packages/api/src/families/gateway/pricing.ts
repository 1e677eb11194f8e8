import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { givenMethods, LISTING, listingParams, shownMethod, shownMethods } from '../../resources/listing.js';

/** GET /marketplace/agents/{agent_id}/method-pricing */
export const get = Endpoint.from({
  summary: 'Lists what can be asked of an agent, and for how much.',
  method: 'GET',
  path: '/marketplace/agents/{agent_id}/method-pricing',
  auth: anyone,
  params: listingParams,
  response: z.object({ methods: shownMethods }),
  status: 200,
  errors: ['listing_not_found'],
  example: { params: { agent_id: LISTING }, response: { methods: [shownMethod] } },
});

/** PUT /marketplace/agents/{agent_id}/method-pricing */
export const set = Endpoint.from({
  summary: 'Puts methods and prices in place of those there were; calls under way keep their price.',
  method: 'PUT',
  path: '/marketplace/agents/{agent_id}/method-pricing',
  auth: anyOf('developer'),
  params: listingParams,
  body: z.object({ methods: givenMethods }),
  response: z.object({ methods: shownMethods }),
  status: 200,
  errors: ['listing_not_found'],
  example: {
    params: { agent_id: LISTING },
    body: { methods: [{ name: 'summarize', price_usdc: '0.01' }] },
    response: { methods: [shownMethod] },
  },
});
