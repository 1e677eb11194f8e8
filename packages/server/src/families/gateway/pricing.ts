import { gateway } from '@agentpay/api';
import { catalog } from '@agentpay/core';
import { implement } from '../../http/implement.js';
import { methodsOf, showMethods } from './presentListing.js';

export const handlers = implement(gateway.nouns.pricing, ({ core }) => ({
  get: async ({ params }) => ({
    methods: showMethods(await catalog.get(core.db, { listingId: params.agent_id })),
  }),
  set: async ({ principal, params, body }) => ({
    methods: showMethods(
      await catalog.setMethods(core, {
        principal,
        listingId: params.agent_id,
        methods: methodsOf(body.methods),
      }),
    ),
  }),
}));
