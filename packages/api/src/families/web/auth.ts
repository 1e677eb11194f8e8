import { textBounds } from '@agentpay/primitives';
import * as z from 'zod';
import { anyOf, anyone } from '../../credentials.js';
import { Endpoint } from '../../Endpoint.js';
import { line, timestamp } from '../../resources/values.js';

const callbackUrl = line(textBounds.url).optional();
const user = z.object({
  id: z.string(),
  login: z.string(),
  name: z.string().nullable(),
  /** URL of a picture. */
  image: z.string().nullable(),
});

/** GET /api/auth/signin */
export const page = Endpoint.page({
  summary: 'The page on which people choose how to sign in.',
  method: 'GET',
  path: '/api/auth/signin',
  auth: anyone,
  query: z.object({ callbackUrl, error: line(textBounds.signInError).optional() }),
});

/** GET /api/auth/signin/github */
export const github = Endpoint.redirect({
  summary: 'Begins a sign-in with GitHub.',
  method: 'GET',
  path: '/api/auth/signin/github',
  auth: anyone,
  query: z.object({ callbackUrl }),
});

/** GET /api/auth/callback/github */
export const callback = Endpoint.redirect({
  summary: 'Where GitHub sends the browser back to: begins the session.',
  method: 'GET',
  path: '/api/auth/callback/github',
  auth: anyone,
  query: z.object({
    code: line(textBounds.signInCode).optional(),
    state: line(textBounds.signInCode).optional(),
    iss: line(textBounds.signInIssuer).optional(),
    error: line(textBounds.signInReason).optional(),
    error_description: line(textBounds.signInReason).optional(),
    error_uri: line(textBounds.signInReason).optional(),
  }),
  example: { query: { code: '3f1c...', state: 'Wk9v...' } },
});

/** POST /api/auth/callback/development */
export const develop = Endpoint.from({
  summary: 'Signs in as anybody, on a machine for development; production refuses it.',
  method: 'POST',
  path: '/api/auth/callback/development',
  auth: anyone,
  body: z.object({ login: z.string({ error: 'must be text' }).regex(/^[\w-]{1,39}$/, 'must be a login') }),
  response: z.object({ user, expires: timestamp }),
  status: 200,
  errors: ['forbidden'],
  example: {
    body: { login: 'developer' },
    response: {
      user: { id: 'usr_01kb3x9v7f5m2q8r4t6w0y1z3k', login: 'developer', name: null, image: null },
      expires: '2026-05-15T12:00:00Z',
    },
  },
});

/** GET /api/auth/session */
export const session = Endpoint.from({
  summary: 'Who is signed in, and until when.',
  method: 'GET',
  path: '/api/auth/session',
  auth: anyOf('session'),
  response: z.object({ user, expires: timestamp }),
  status: 200,
  example: {
    response: {
      user: {
        id: 'usr_01kb3x9v7f5m2q8r4t6w0y1z3k',
        login: 'octocat',
        name: 'The Octocat',
        image: 'https://avatars.githubusercontent.com/u/583231',
      },
      expires: '2026-05-15T12:00:00Z',
    },
  },
});

/** GET /api/auth/csrf */
export const csrf = Endpoint.from({
  summary: 'The CSRF token of the session, which pages send with writes as X-CSRF-Token.',
  method: 'GET',
  path: '/api/auth/csrf',
  auth: anyOf('session'),
  response: z.object({ csrfToken: z.string() }),
  status: 200,
  example: { response: { csrfToken: '5f2b...' } },
});

/** POST /api/auth/signout */
export const signout = Endpoint.from({
  summary: 'Ends the session, or every session of the user.',
  method: 'POST',
  path: '/api/auth/signout',
  auth: anyOf('session'),
  body: z.object({ everywhere: z.boolean({ error: 'must be true or false' }).default(false) }),
  response: z.object({
    /** Sessions that ended. */
    ended: z.number(),
    /** Where to go on. */
    url: z.string(),
  }),
  status: 200,
  example: { body: { everywhere: true }, response: { ended: 2, url: '/signin' } },
});
