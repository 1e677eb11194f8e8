import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { pageName, searchText } from '../../resources/values.js';

const page = { method: 'GET', auth: anyone, markdown: true } as const;

/** GET /docs/api */
export const api = Endpoint.page({
  ...page,
  summary: 'The API reference: how calls are made, and every endpoint by what it is about.',
  path: '/docs/api',
});

/** GET /docs/api/{noun} */
export const noun = Endpoint.page({
  ...page,
  summary: 'The endpoints of one noun of the API, with their fields, errors and examples.',
  path: '/docs/api/{noun}',
  params: z.object({ noun: pageName }),
  errors: ['not_found'],
  example: { params: { noun: 'runtime.wallets' } },
});

/** GET /docs/search */
export const search = Endpoint.page({
  ...page,
  summary: 'Searches the guides and the API reference.',
  path: '/docs/search',
  query: z.object({ q: searchText(textBounds.search).default('') }),
  markdown: false,
});

/** GET /docs/{page} */
export const guide = Endpoint.page({
  ...page,
  summary: 'A guide.',
  path: '/docs/{page}',
  params: z.object({ page: pageName }),
  errors: ['not_found'],
  example: { params: { page: 'quickstart-sellers' } },
});

/** GET /llms.txt */
export const llms = Endpoint.text({
  summary:
    'What models read first: every page of the documentation with a sentence about it (https://llmstxt.org).',
  method: 'GET',
  path: '/llms.txt',
  auth: anyone,
  contentType: 'text/markdown; charset=utf-8',
});
