import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';

const page = { method: 'GET', auth: anyone } as const;

/** GET / */
export const home = Endpoint.page({
  ...page,
  summary: 'What this is and where to go.',
  path: '/',
});

/** GET /integrations */
export const integrations = Endpoint.page({
  ...page,
  summary: 'How to set up AgentPay in each AI platform.',
  path: '/integrations',
  markdown: true,
});

/** GET /explorer */
export const explorer = Endpoint.page({
  ...page,
  summary: 'The public sandbox: sessions, invites, and a console that shows each call as curl.',
  path: '/explorer',
});

/** GET /ops/public-alpha */
export const ops = Endpoint.page({
  ...page,
  summary: 'The public sandbox for its operator; without the key a form that asks for it.',
  path: '/ops/public-alpha',
  optionalAuth: anyOf('admin', 'demoAdmin'),
});
