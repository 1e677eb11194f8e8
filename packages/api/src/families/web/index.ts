import { Family } from '../../Family.js';
import { errors } from '../runtime/errors.js';
import * as openapi from './openapi.js';
import * as plugin from './plugin.js';
import * as tools from './tools.js';

/** What people, browsers and AI platforms read: documents, manifests and tool lists. Errors are those of the runtime API. */
export const web = Family.from({
  id: 'web',
  paths: ['/ai', '/openapi', '/.well-known', '/mcp'],
  credentials: [],
  errors,
  nouns: { openapi, plugin, tools },
});
