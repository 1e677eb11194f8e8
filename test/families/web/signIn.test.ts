import { readConfig } from '@agentpay/server';
import { cookieOf, signedIn } from '../signedIn.js';
import { testApi, type TestApi } from '../testApi.js';
import { githubStandIn, type GitHubStandIn } from './githubStandIn.js';

let api: TestApi;
let github: GitHubStandIn;

beforeAll(async () => {
  github = await githubStandIn();
  api = await testApi({ ...github.env, DEV_SIGN_IN: 'true' });
});

afterAll(async () => {
  await api.close();
  await github.close();
});

type Answer = { headers: Record<string, unknown>; status: number };
const setBy = (answer: Answer) => (answer.headers['set-cookie'] ?? []) as string[];
const pathOf = (url: URL) => `${url.pathname}${url.search}`;

/** Begins a sign-in and goes to GitHub: gives the browser's cookie and what it comes back with. */
async function begun(callbackUrl = '/dashboard'): Promise<{ cookie: string; back: URL; asked: URL }> {
  const answer = await api.http.get('/api/auth/signin/github').query({ callbackUrl }).expect(302);
  const asked = new URL(answer.headers['location'] as string);
  const [journey = ''] = setBy(answer);
  return { cookie: journey.split(';')[0] as string, back: await github.visit(asked.href), asked };
}

const comeBack = (back: URL, cookie: string) => api.http.get(pathOf(back)).set({ cookie }).expect(302);
const sessionOf = (cookie: string) => api.http.get('/api/auth/session').set({ cookie });

describe('signing in with GitHub', () => {
  it('begins a session of the account, and leads on to where the browser wanted to go', async () => {
    const { cookie, back, asked } = await begun('/dashboard/agents/x');
    expect(asked.searchParams.get('state')).toMatch(/^[\w-]{43}$/);
    expect(asked.searchParams.get('redirect_uri')).toBe('http://api.test/api/auth/callback/github');
    const answer = await comeBack(back, cookie);
    expect(answer.headers['location']).toBe('/dashboard/agents/x');
    const { body } = await sessionOf(cookieOf(setBy(answer))).expect(200);
    expect(body).toMatchObject({ user: { login: 'octocat', name: 'The Octocat' } });
  });

  it('gives the account the same user again, under the login it has now', async () => {
    const first = await comeBack(...pairOf(await begun()));
    github.user = { id: 583231, login: 'renamed', name: null, avatar_url: null };
    const second = await comeBack(...pairOf(await begun()));
    const [a, b] = await Promise.all(
      [first, second].map(async (each) => (await sessionOf(cookieOf(setBy(each))).expect(200)).body.user),
    );
    expect(a).toEqual(b);
    expect(b).toMatchObject({ login: 'renamed', name: null });
  });

  it('refuses a state that this browser was not given, a code twice, and a return without a beginning', async () => {
    const mine = await begun();
    const other = await begun();
    const refused = async (back: URL, cookie: string) => {
      const answer = await comeBack(back, cookie);
      expect(answer.headers['location']).toBe('/signin?error=OAuthCallback');
      expect(setBy(answer).join()).not.toContain('agentpay_session');
    };
    await refused(other.back, mine.cookie);
    await refused(mine.back, '');
    await refused(mine.back, 'agentpay_signin=v1.0.forged');
    await comeBack(other.back, other.cookie);
    await refused(other.back, other.cookie);
    const noState = new URL(mine.back);
    noState.searchParams.delete('state');
    await refused(noState, mine.cookie);
  });

  it('refuses a code that was stolen from another browser: its PKCE verifier is missing', async () => {
    const victim = await begun();
    const thief = await begun();
    const stolen = new URL(thief.back);
    stolen.searchParams.set('code', victim.back.searchParams.get('code') as string);
    const answer = await comeBack(stolen, thief.cookie);
    expect(answer.headers['location']).toBe('/signin?error=OAuthCallback');
  });

  it('refuses an attempt that is older than ten minutes', async () => {
    const { back, cookie } = await begun();
    api.clock.advance(601_000);
    const answer = await comeBack(back, cookie);
    expect(answer.headers['location']).toBe('/signin?error=OAuthCallback');
  });

  it('tells when GitHub refuses, breaks, or its user does not want to', async () => {
    const before = await signedIn(api, 'patient');
    const breaking = ['refuses_code', 'breaks'] as const;
    const strange = ['user_refused', 'user_text', 'user_nobody', 'user_moved'] as const;
    for (const fault of [...breaking, ...strange]) {
      github.fault = fault;
      const [back, cookie] = pairOf(await begun());
      const answer = await comeBack(back, `${cookie}; ${before.cookie}`);
      expect([fault, answer.headers['location']]).toEqual([fault, '/signin?error=OAuthCallback']);
      expect(setBy(answer).join()).not.toContain('agentpay_session');
    }
    // Who was signed in still is.
    await sessionOf(before.cookie).expect(200);
    const { user } = github;
    github.user = null;
    const answer = await comeBack(...pairOf(await begun()));
    github.user = user;
    expect(answer.headers['location']).toBe('/signin?error=AccessDenied');
  });

  it.each(['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '/a\\b'])(
    'does not lead on to %s',
    async (callbackUrl) => {
      const answer = await comeBack(...pairOf(await begun(callbackUrl)));
      expect(answer.headers['location']).toBe('/dashboard');
    },
  );
});

function pairOf({ back, cookie }: { back: URL; cookie: string }): [URL, string] {
  return [back, cookie];
}

describe('a session', () => {
  it('is a cookie that scripts and other sites do not get, with a secret that only its hash is kept of', async () => {
    const answer = await api.http.post('/api/auth/callback/development').send({ login: 'ada' }).expect(200);
    const [line] = setBy(answer);
    expect(line).toMatch(
      /^agentpay_session=ses_[0-9a-f]{48}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/,
    );
    const secret = cookieOf(setBy(answer)).split('=')[1] as string;
    const rows = await api.composition.core.db.query<{ row: string }>(
      'select c::text as row from credentials c',
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ row }) => row).join()).not.toContain(secret);
  });

  it('gets a new secret at each sign-in, and the one before ends: nobody can fix it beforehand', async () => {
    const first = await signedIn(api, 'eve');
    const second = await signedIn(api, 'victim', first.cookie);
    expect(second.cookie).not.toBe(first.cookie);
    await sessionOf(first.cookie).expect(401);
    const planted = 'agentpay_session=ses_' + '0'.repeat(48);
    expect((await signedIn(api, 'victim', planted)).cookie).not.toBe(planted);
    await sessionOf(planted).expect(401);
    await sessionOf(second.cookie).expect(200);
  });

  it('writes from a page with its token only; a program needs none', async () => {
    const { cookie, writes } = await signedIn(api, 'grace');
    const signOut = (headers: Record<string, string>) =>
      api.http.post('/api/auth/signout').set(headers).send({});
    for (const page of [
      { origin: 'https://evil.example' },
      { origin: 'http://api.test' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const answer = await signOut({ cookie, ...page }).expect(403);
      expect(answer.body.error.reason).toBe('csrf_token_missing');
      await signOut({ cookie, ...page, 'x-csrf-token': 'x' }).expect(403);
    }
    await sessionOf(cookie).expect(200);
    const { body } = await api.http.get('/api/auth/csrf').set({ cookie }).expect(200);
    expect(body.csrfToken).toBe(writes['x-csrf-token']);
    await signOut({ ...writes, origin: 'http://api.test' }).expect(200);
    const program = await signedIn(api, 'grace');
    await signOut({ cookie: program.cookie }).expect(200);
  });

  it('ends by signing out, here or everywhere', async () => {
    const [here, there, other] = [
      await signedIn(api, 'linus'),
      await signedIn(api, 'linus'),
      await signedIn(api, 'ken'),
    ];
    const answer = await api.http.post('/api/auth/signout').set(here.writes).send({}).expect(200);
    expect(setBy(answer)[0]).toMatch(/^agentpay_session=; Path=\/; Max-Age=0; HttpOnly/);
    await sessionOf(here.cookie).expect(401);
    await sessionOf(there.cookie).expect(200);
    const again = await signedIn(api, 'linus');
    const everywhere = await api.http
      .post('/api/auth/signout')
      .set(again.writes)
      .send({ everywhere: true })
      .expect(200);
    expect(everywhere.body).toMatchObject({ ended: 2 });
    for (const { cookie } of [there, again]) await sessionOf(cookie).expect(401);
    await sessionOf(other.cookie).expect(200);
  });

  it('ends after seven days', async () => {
    const { cookie } = await signedIn(api, 'barbara');
    api.clock.advance(7 * 86_400_000 - 1);
    await sessionOf(cookie).expect(200);
    api.clock.advance(1);
    await sessionOf(cookie).expect(401);
  });

  it('is one of at most twenty of its user: the oldest ends', async () => {
    const sessions = [];
    for (let i = 0; i < 21; i++) {
      api.clock.advance(1);
      sessions.push(await signedIn(api, 'busy'));
    }
    await sessionOf((sessions[0] as { cookie: string }).cookie).expect(401);
    await sessionOf((sessions[1] as { cookie: string }).cookie).expect(200);
  });

  it('belongs to one user, however many sign-ins of a new account come at once', async () => {
    const browsers = await Promise.all(Array.from({ length: 8 }, () => signedIn(api, 'newcomer')));
    expect(new Set(browsers.map(({ userId }) => userId)).size).toBe(1);
  });
});

describe('in production', () => {
  const production = {
    NODE_ENV: 'production',
    ALLOW_SINGLE_NODE: 'true',
    TRUST_PROXY_HOPS: '0',
  };

  it('nobody starts with the sign-in for development', () => {
    expect(() => readConfig({ ...production, DEV_SIGN_IN: 'true' })).toThrow(/DEV_SIGN_IN/);
  });

  it('cookies are for TLS alone, and there is no sign-in for development', async () => {
    const secure = await testApi(
      { ...github.env, ...production, PUBLIC_DEMO_ADMIN_TOKEN: '' },
      { provoked: /(?!)/ },
    );
    const begin = await secure.http.get('/api/auth/signin/github').expect(302);
    expect(setBy(begin)[0]).toMatch(/; HttpOnly; SameSite=Lax; Secure$/);
    const back = await github.visit(begin.headers['location'] as string);
    const [journey = ''] = setBy(begin);
    const answer = await secure.http.get(pathOf(back)).set({ cookie: journey.split(';')[0] as string });
    expect(setBy(answer).find((line) => line.startsWith('agentpay_session='))).toMatch(/; Secure$/);
    await secure.http.post('/api/auth/callback/development').send({ login: 'ada' }).expect(403);
    await secure.close();
  });
});

describe('pages', () => {
  it('offer the ways to sign in that there are', async () => {
    const { text } = await api.http.get('/signin').expect(200);
    expect(text).toContain('<h1>Sign in</h1>');
    expect(text).toContain('href="/api/auth/signin/github?callbackUrl=%2Fdashboard"');
    expect((await api.http.get('/api/auth/signin').expect(200)).text).toBe(text);
  });

  it('show nothing of what the query says as HTML', async () => {
    const { text } = await api.http
      .get('/signin')
      .query({ error: '<script>', callbackUrl: '/"><script>' })
      .expect(200);
    expect(text).not.toContain('"><script>');
  });
});
