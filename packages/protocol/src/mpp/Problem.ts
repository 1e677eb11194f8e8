/** Problem types of the Payment scheme (RFC 9457): title and status by code. */
export const problems = {
  'payment-required': { title: 'Payment Required', status: 402 },
  'malformed-credential': { title: 'Malformed Credential', status: 402 },
  'invalid-challenge': { title: 'Invalid Challenge', status: 402 },
  'payment-expired': { title: 'Payment Expired', status: 402 },
  'verification-failed': { title: 'Verification Failed', status: 402 },
  'invalid-payload': { title: 'Invalid Payload', status: 402 },
  'payment-insufficient': { title: 'Payment Insufficient', status: 402 },
  'method-unsupported': { title: 'Method Unsupported', status: 400 },
  'bad-request': { title: 'Bad Request', status: 400 },
  'internal-payment-error': { title: 'Internal Payment Error', status: 500 },
} as const satisfies Record<string, { title: string; status: number }>;

export type ProblemCode = keyof typeof problems;

/** The `type` member of a problem document. */
export function problemType(code: ProblemCode): string {
  return `https://paymentauth.org/problems/${code}`;
}
