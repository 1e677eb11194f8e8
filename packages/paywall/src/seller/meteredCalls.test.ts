import { manualClock } from '@agentpay/primitives';
import { paymentTokenKey, signPaymentToken, signUsageToken } from '@agentpay/protocol';
import { meteredCalls } from './meteredCalls.js';

const key = paymentTokenKey('a secret of at least 32 characters');
const other = paymentTokenKey('another secret of at least 32 characters');
const clock = manualClock(1_500_000);
const times = { iat: 1_000, exp: 1_600 };
const claims = {
  iss: 'https://api',
  aud: 'svc_1',
  sub: 'agent_1',
  jti: 'use_1',
  agreement: 'ua_1',
  ...times,
};
let asked = 0;
const metered = meteredCalls({
  url: 'https://api/',
  service: 'svc_1',
  clock,
  fetch: async (url) => {
    asked++;
    expect(url).toBe('https://api/.well-known/jwks.json');
    return Response.json({ keys: [key.publicJwk] });
  },
});
const read = (token: string) => metered({ headers: { 'agentpay-usage-token': token } });

describe('metered calls', () => {
  it('are told by a token of the API for the service', async () => {
    expect(await read(signUsageToken(claims, key))).toEqual(claims);
    expect(await metered({ headers: {} })).toBeUndefined();
  });

  it.each([
    ['of another service', signUsageToken({ ...claims, aud: 'svc_2' }, key)],
    ['that expired', signUsageToken({ ...claims, exp: 1_500 }, key)],
    ['by an unknown key', signUsageToken(claims, other)],
    ['by an unknown key under a known name', signUsageToken(claims, { ...other, kid: key.kid })],
    ['that pays for a call', signPaymentToken({ ...claims, amount: '1', currency: 'USD' }, key)],
    [
      'that pays, without its mark',
      signPaymentToken({ ...claims, amount: '1', currency: 'USD' }, key).slice(9),
    ],
    ['with more behind it', `${signUsageToken(claims, key)}.x`],
    ['that is none', 'x'],
    ['that is too long', 'x'.repeat(100_000)],
  ])('are not told by a token %s', async (_what, token) => expect(await read(token)).toBeUndefined());

  it('ask for the keys seldom', () => expect(asked).toBeLessThanOrEqual(2));
});
