import { AgentPayError, errorKinds, type ErrorName } from '@agentpay/primitives';
import { errorBody, ErrorBody, errorCode } from './Errors.js';

describe('errors on the wire', () => {
  it.each(Object.keys(errorKinds) as ErrorName[])(
    '%s has a code without spaces and a complete body',
    (kind) => {
      const body = errorBody(new AgentPayError(kind, 'What happened.'), 'req_1');
      expect(ErrorBody.parse(body)).toEqual(body);
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
    for (const [kind, code] of Object.entries(documented)) expect(errorCode(kind as ErrorName)).toBe(code);
    expect(errorCode('invalid_request')).toBe('invalid_request');
  });

  it('carries the reason and the field at fault', () => {
    const body = errorBody(
      new AgentPayError('policy_denied', 'No.', { reason: 'daily_limit', param: 'amount' }),
      'req_1',
    );
    expect(body.error).toMatchObject({ reason: 'daily_limit', param: 'amount' });
  });
});
