import type { users } from '@agentpay/core';
import { AgentPayError, isPlainText, type FetchOut } from '@agentpay/primitives';
import * as oauth from 'oauth4webapi';
import { z } from 'zod';

/** An OAuth app at GitHub, or at something that speaks like it. */
export interface GitHubOptions {
  /** `https://github.com`, without a slash at its end. */
  readonly url: string;
  /** `https://api.github.com` */
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly fetchOut: FetchOut;
}

/** What a sign-in remembers from its beginning to its end, in the browser alone. */
export interface SignInAttempt {
  readonly state: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
  readonly redirectUri: string;
}

/** Signing in with GitHub (https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps). */
export interface GitHub {
  /** Where the browser goes to be asked. */
  authorizeUrl(attempt: SignInAttempt): Promise<string>;
  /**
   * Whose account it is that the browser came back with.
   * @param callback query of the redirect back
   * @throws AgentPayError `unauthorized` when state, code or account are not what they must be; `unavailable` when GitHub cannot be asked
   */
  identify(callback: URLSearchParams, attempt: SignInAttempt): Promise<users.SignInAccount>;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 200_000;

const githubUser = z.object({
  id: z.number().int().positive(),
  login: z.string().min(1).max(120),
  name: z.string().max(255).nullish(),
  avatar_url: z.url().max(2048).nullish(),
});

export function gitHub({ url, apiUrl, clientId, clientSecret, fetchOut }: GitHubOptions): GitHub {
  const server: oauth.AuthorizationServer = {
    issuer: url,
    authorization_endpoint: `${url}/login/oauth/authorize`,
    token_endpoint: `${url}/login/oauth/access_token`,
  };
  const client: oauth.Client = { client_id: clientId };
  const sent = {
    [oauth.customFetch]: fetchBy(fetchOut),
    // The operator names where GitHub is; a stand-in may be on this machine.
    [oauth.allowInsecureRequests]: true,
  };

  async function accessToken(callback: URLSearchParams, attempt: SignInAttempt): Promise<string> {
    const params = oauth.validateAuthResponse(server, client, callback, attempt.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.ClientSecretPost(clientSecret),
      params,
      attempt.redirectUri,
      attempt.verifier,
      sent,
    );
    return (await oauth.processAuthorizationCodeResponse(server, client, response)).access_token;
  }

  return {
    async authorizeUrl({ state, verifier, redirectUri }) {
      const asked = new URL(server.authorization_endpoint as string);
      asked.search = new URLSearchParams({
        client_id: clientId,
        redirect_uri: redirectUri,
        response_type: 'code',
        scope: 'read:user',
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }).toString();
      return asked.href;
    },
    async identify(callback, attempt) {
      try {
        return await accountOf(await accessToken(callback, attempt), { apiUrl, fetchOut });
      } catch (cause) {
        if ((cause as Error).name === 'OutboundError')
          throw new AgentPayError('unavailable', 'GitHub cannot be asked at this moment.', {
            retryAfter: 10,
            cause,
          });
        throw refused('GitHub did not confirm the sign-in', cause);
      }
    },
  };
}

/** Whom an access token speaks for. */
async function accountOf(
  token: string,
  { apiUrl, fetchOut }: Pick<GitHubOptions, 'apiUrl' | 'fetchOut'>,
): Promise<users.SignInAccount> {
  const response = await fetchOut(`${apiUrl}/user`, {
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/vnd.github+json',
      'user-agent': 'AgentPay',
    },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
    maxRedirects: 0,
  });
  if (response.status !== 200) throw refused(`GitHub answered ${response.status}`);
  const { id, login, name, avatar_url } = githubUser.parse(
    JSON.parse(Buffer.from(response.body).toString('utf8')),
  );
  const shown = { login, name: name && isPlainText(name) ? name : null, image: avatar_url ?? null };
  return { provider: 'github', accountId: String(id), ...shown };
}

/** `fetch` for the OAuth library, by the way out that has bounds. */
function fetchBy(fetchOut: FetchOut) {
  return async (
    url: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const response = await fetchOut(url, {
      method,
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      maxRedirects: 0,
    });
    const type = response.headers['content-type'] ?? 'application/octet-stream';
    return new Response(Buffer.from(response.body), {
      status: response.status,
      headers: { 'content-type': type },
    });
  };
}

function refused(message: string, cause?: unknown): AgentPayError {
  return new AgentPayError('unauthorized', `${message}.`, { cause });
}
