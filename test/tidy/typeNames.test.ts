import { isShipped, paths, read } from './sources.js';

/** Names that still mean two things; the list only gets shorter. */
const shared = [
  'Answer',
  'Ask',
  'Authorization',
  'Call',
  'Claim',
  'Config',
  'Credential',
  'Dialect',
  'Fault',
  'Offer',
  'Order',
  'Outcome',
  'Payment',
  'PaymentOptions',
  'PaymentPayload',
  'PaymentRequired',
  'PaymentRequirements',
  'Proof',
  'Purchase',
  'Readiness',
  'Receipt',
  'Refusal',
  'Report',
  'Route',
  'Running',
  'Seller',
  'Settlement',
  'Sharing',
  'SignedTransaction',
  'Subject',
  'Terms',
  'Token',
  'Transfer',
  'Verdict',
];

const EXPORTED = /^export (?:abstract )?(?:interface|type|class) (\w+)/gm;

describe('exported types', () => {
  const places = new Map<string, string[]>();
  for (const path of paths.filter(isShipped)) {
    for (const [, name = ''] of read(path).matchAll(EXPORTED)) {
      places.set(name, [...(places.get(name) ?? []), path]);
    }
  }
  const doubled = [...places].filter(([, where]) => where.length > 1);

  it('have one meaning for each name, in all packages', () => {
    expect(places.size).toBeGreaterThan(200);
    const faults = doubled.filter(([name]) => !shared.includes(name));
    expect(faults.map(([name, where]) => `${name}: ${where.join(', ')}`)).toEqual([]);
  });

  it('are taken off the list once they have', () => {
    expect(shared.filter((name) => !doubled.some(([other]) => other === name))).toEqual([]);
  });
});
