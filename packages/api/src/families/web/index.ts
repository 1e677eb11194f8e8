import { Family } from '../../Family.js';
import { errors } from '../runtime/errors.js';
import * as auth from './auth.js';
import * as docs from './docs.js';
import * as openapi from './openapi.js';
import * as pages from './pages.js';
import * as plugin from './plugin.js';
import * as requests from './requests.js';
import * as site from './site.js';
import * as tools from './tools.js';
import * as traces from './traces.js';

/** For people, browsers and AI platforms: signing in, pages, documents, manifests and tool lists. Errors are those of the runtime API. */
export const web = Family.from({
  id: 'web',
  paths: [
    '/ai',
    '/openapi',
    '/.well-known',
    '/mcp',
    '/api/auth',
    '/api/requests',
    '/api/traces',
    '/signin',
    '/dashboard',
    '/integrations',
    '/explorer',
  ],
  credentials: ['session', 'agent', 'developer', 'gateway', 'admin', 'demoAdmin'],
  // Its fields are named on the wire as here.
  errors: { ...errors, field: (name) => name },
  nouns: { auth, docs, openapi, pages, plugin, requests, site, tools, traces },
});
