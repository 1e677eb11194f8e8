import { AgentPayError, errorKind, errorNames, type ErrorName } from '@agentpay/primitives';
import { ErrorBody, errorCode, families, renderError, runtime, type Family } from './index.js';

const cases = Object.values<Family>(families).flatMap((family) =>
  errorNames.map((kind) => [family.id, kind, family] as const),
);

describe('errors on the wire', () => {
  it.each(cases)(
    'of the family %s: %s has a code without spaces and a complete body',
    (_id, kind, family) => {
      const { status, body } = renderError(family, new AgentPayError(kind, 'What happened.'), 'req_1');
      expect(status).toBe(family.errors.statuses[kind] ?? errorKind(kind).status);
      // A family may add to the common body.
      expect(body).toMatchObject(ErrorBody.parse(body));
      expect(body.code).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(body.error).toMatchObject({
        code: body.code,
        reason: kind,
        message: 'What happened.',
        request_id: 'req_1',
      });
      expect(body.error.hint.length).toBeGreaterThan(0);
    },
  );

  it('gives the documented codes of the runtime API', () => {
    const documented = {
      insufficient_funds: 'AP-1001',
      policy_denied: 'AP-1002',
      rate_limited: 'AP-3002',
      token_expired: 'TOKEN_EXPIRED',
    };
    for (const [kind, code] of Object.entries(documented))
      expect(errorCode(runtime, kind as ErrorName)).toBe(code);
    expect(errorCode(runtime, 'invalid_request')).toBe('invalid_request');
  });

  it('carries the reason and the field at fault', () => {
    const error = new AgentPayError('policy_denied', 'No.', { reason: 'daily_limit', param: 'maxAmount' });
    expect(renderError(runtime, error, 'req_1').body.error).toMatchObject({
      reason: 'daily_limit',
      param: 'max_amount',
    });
  });

  it('names a header at fault as it is', () => {
    const error = new AgentPayError('invalid_request', 'No.', { param: 'Idempotency-Key' });
    expect(renderError(runtime, error, 'req_1').body.error.param).toBe('Idempotency-Key');
  });
});
