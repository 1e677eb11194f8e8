import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';

const userFaults = ['user_refused', 'user_text', 'user_nobody', 'user_moved'] as const;
type UserFault = (typeof userFaults)[number];
const isUserFault = (fault: string | undefined): boolean => userFaults.some((one) => one === fault);

/** Speaks like GitHub, as far as signing in goes, and keeps what it was told. */
export interface GitHubStandIn {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  /** Who is signed in at GitHub; null: refuses the app. */
  user: { id: number; login: string; name: string | null; avatar_url: string | null } | null;
  /** Answers the next exchange of a code with this instead, or the next question whose token it is. */
  fault: 'refuses_code' | 'breaks' | UserFault | undefined;
  /** What the browser comes back with after it was sent to `location`. */
  visit(location: string): Promise<URL>;
  close(): Promise<void>;
}

export async function githubStandIn(): Promise<GitHubStandIn> {
  const codes = new Map<string, { challenge: string; redirectUri: string }>();
  const app = express().use(express.urlencoded({ extended: false }));
  const secrets = { clientId: 'Iv1.0123456789abcdef', clientSecret: 'secret-of-the-app' };

  app.get('/login/oauth/authorize', (req, res) => {
    const { client_id, redirect_uri, state, code_challenge, code_challenge_method } = req.query as Record<
      string,
      string
    >;
    if (client_id !== secrets.clientId || code_challenge_method !== 'S256') return void res.status(404).end();
    const back = new URL(redirect_uri as string);
    if (state) back.searchParams.set('state', state);
    if (standIn.user) {
      const code = `code${codes.size}`;
      codes.set(code, { challenge: code_challenge as string, redirectUri: redirect_uri as string });
      back.searchParams.set('code', code);
    } else back.searchParams.set('error', 'access_denied');
    res.redirect(back.href);
  });

  app.post('/login/oauth/access_token', (req, res) => {
    const { code, code_verifier, client_id, client_secret, redirect_uri } = req.body as Record<
      string,
      string
    >;
    const issued = codes.get(code as string);
    codes.delete(code as string);
    const { fault } = standIn;
    if (!isUserFault(fault)) standIn.fault = undefined;
    if (fault === 'breaks') return void req.socket.destroy();
    const challenge = createHash('sha256').update(String(code_verifier)).digest('base64url');
    const right =
      (fault === undefined || isUserFault(fault)) &&
      issued?.challenge === challenge &&
      issued.redirectUri === redirect_uri &&
      client_id === secrets.clientId &&
      client_secret === secrets.clientSecret;
    // GitHub refuses with status 200.
    if (!right) return void res.json({ error: 'bad_verification_code', error_description: 'Wrong.' });
    res.json({ access_token: 'gho_token', token_type: 'bearer', scope: 'read:user' });
  });

  app.get('/api/user', (req, res) => {
    if (req.get('authorization') !== 'Bearer gho_token' || !req.get('user-agent'))
      return void res.status(401).json({ message: 'Bad credentials' });
    const { fault } = standIn;
    standIn.fault = undefined;
    if (fault === 'user_refused') return void res.status(401).json({ message: 'Bad credentials' });
    if (fault === 'user_text') return void res.send('<html>');
    if (fault === 'user_nobody') return void res.json({ ...standIn.user, id: null });
    if (fault === 'user_moved') return void res.redirect('/elsewhere');
    res.json(standIn.user);
  });
  // Whoever follows there is told of somebody.
  app.get('/elsewhere', (_req, res) => void res.json(standIn.user));

  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standIn: GitHubStandIn = {
    url,
    env: {
      GITHUB_URL: url,
      GITHUB_API_URL: `${url}/api`,
      GITHUB_CLIENT_ID: secrets.clientId,
      GITHUB_CLIENT_SECRET: secrets.clientSecret,
    },
    user: { id: 583231, login: 'octocat', name: 'The Octocat', avatar_url: 'https://avatars.test/1.png' },
    fault: undefined,
    async visit(location) {
      const response = await fetch(location, { redirect: 'manual' });
      return new URL(response.headers.get('location') as string);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return standIn;
}
