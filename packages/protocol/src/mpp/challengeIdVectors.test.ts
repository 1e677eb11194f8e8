/** Published ids of challenges, by the names of their scenarios in the conformance suite of the Payment scheme. */
import { base64url, jcs } from '../encoding/Json.js';
import { challengeId, type Bound } from './Challenge.js';

const TOKEN = '0x20c0000000000000000000000000000000000001';
const TEST_SECRET = 'test-vector-secret-minimum-32-byte-secret';
const ALT_SECRET = 'test-secret-key-12345-minimum-32-byte-secret';
const DIGEST = 'sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE';

interface Input extends Partial<Omit<Bound, 'request'>> {
  readonly request?: object;
  readonly secret?: string;
  readonly description?: string;
}

const million = { amount: '1000000' };
const basic = { ...million, currency: TOKEN, recipient: '0x1234567890abcdef1234567890abcdef12345678' };
const nested = {
  amount: '5000000',
  currency: TOKEN,
  recipient: `0x${'2'.repeat(40)}`,
  methodDetails: { chainId: 42431, feePayer: true },
};
const full = {
  amount: '10000000',
  currency: TOKEN,
  recipient: '0x742d35Cc6634C0532925a3b844Bc9e7595f1B0F2',
  description: 'API access fee',
  externalId: 'order-12345',
};

it.each<[string, Input, string]>([
  ['required_fields_only', {}, '6QDs0BmhrI_v67iWeCMvGqQJEFQ6ErWKlk7zi5xL6t0'],
  ['with_expires', { expires: '2025-01-06T12:00:00Z' }, 'ZcHgfEi5_Qyda9NQwUzamsCgCcWXw6N6EH2NLyaSTlg'],
  ['with_digest', { digest: DIGEST }, 'vwnOtW2kwdujK9_uC_taI2e6Jwq86Jwogvq9m--i8eQ'],
  [
    'with_expires_and_digest',
    { expires: '2025-01-06T12:00:00Z', digest: DIGEST },
    'HSUJV7QH1E135PSDPlrZ5cLoozV3bv5T4vfVdS3Xyzk',
  ],
  ['with_opaque', { opaque: 'trace-123' }, '1XJ-Ti0DACNe3E1zHvwH6OdnKlhUx6xKxDbhJyexng4'],
  [
    'with_payment_authorization_header',
    { header: 'Payment-Authorization' },
    're8MIMJYpIJ0r_aiizscg6ghtipQM8IpOa_NtpwIU8E',
  ],
  [
    'authorization_header_is_implicit_default',
    { header: 'Authorization' },
    '6QDs0BmhrI_v67iWeCMvGqQJEFQ6ErWKlk7zi5xL6t0',
  ],
  [
    'opaque_route_scope_binding',
    { request: { amount: '1000' }, opaque: 'eyJyb3V0ZSI6Ii9hcGkvcHJlbWl1bSJ9' },
    'qKB3Cm8efoWftvkRf43R5GxatYiXuZPxhs2kA3CvxGM',
  ],
  [
    'description_not_in_hmac',
    { description: 'API access payment required' },
    '6QDs0BmhrI_v67iWeCMvGqQJEFQ6ErWKlk7zi5xL6t0',
  ],
  [
    'multi_field_request',
    { request: { ...million, currency: '0x1234', recipient: '0xabcd' } },
    'I8ZLhCXrskUbWuwYSSM0My-wk3mnL9_w8cDlEcs2UFo',
  ],
  [
    'nested_method_details',
    { request: { ...million, currency: '0x1234', methodDetails: { chainId: 42431 } } },
    'W8sYOWDDrcuRcku27vjJoqLX0uAnBmql7qAOuQwdmPo',
  ],
  [
    'html_sensitive_request_canonicalization',
    {
      request: {
        amount: '1500',
        currency: 'USD',
        description: 'Access <premium> & analytics',
        recipient: 'merchant',
      },
    },
    'iU2QdYw_u-prmGZWxm58jeBakeYE-ib_u77f9vcW76E',
  ],
  [
    'resource_path_query_binding',
    {
      request: {
        amount: '1000',
        currency: 'USD',
        recipient: 'merchant',
        resource: '/charge/query-replay?tier=basic',
      },
    },
    'ge6Ckot8ZHZB_S-6OOlzuKOnUhndJIUarP-zPCtzleE',
  ],
  [
    'external_id_request_binding',
    { request: { amount: '2500', currency: 'USD', externalId: 'server-order-123', recipient: 'merchant' } },
    'PyzaHuf-58VJxeH7oErmMTlnKZZ5yYzRVueWW0MK1hI',
  ],
  [
    'fee_payer_policy_binding',
    {
      request: {
        amount: '5000',
        currency: 'USD',
        methodDetails: { chainId: 42431, feePayer: true, maxFeePerGas: '1000000' },
        recipient: 'merchant',
      },
    },
    'Z-51rg0Ds7Xd9FnWiXT3aOs4vyuScuZkxnk-BNRy8QE',
  ],
  ['empty_request', { request: {} }, 'SMpxo_gPWGquX9vAZ-b_OIPsHO3kfdY2s73946Mnwc0'],
  ['different_realm', { realm: 'payments.other.com' }, 'NiwWsOUeZDNPegltJVbOHVKR4hHbZR5tnoQ80DVrqyY'],
  ['different_method', { method: 'stripe' }, 'IPY59YD2ZWmf3yXnZxbQgYoYejrVB9Nh_rpSkrOeSG0'],
  ['different_intent', { intent: 'session' }, '3bUB3LSxOG-lexqNCMGiV-p_j1UeibqWlA-saIiwo5A'],
  ['basic_charge', { secret: ALT_SECRET, request: basic }, 'Go8tV1muorsPUY3eQxjQ2oBMBDRPuK-jdO_E2sbtti8'],
  [
    'with_expires_alt_secret',
    {
      secret: ALT_SECRET,
      request: {
        amount: '5000000',
        currency: TOKEN,
        recipient: '0xabcdef1234567890abcdef1234567890abcdef12',
      },
      expires: '2026-01-29T12:00:00Z',
    },
    'DAgfntQtAmV_y2J9YWUh-UKvwRTxXhMCvX0uOFzvfOE',
  ],
  [
    'with_digest_alt_secret',
    {
      secret: 'my-server-secret-minimum-32-byte-secret',
      realm: 'payments.example.org',
      request: { amount: '250000', currency: 'USD', recipient: `0x${'9'.repeat(40)}` },
      digest: `${DIGEST}=`,
    },
    'Wck1EzUjlCJIEPEyaYpuZ_8GxC-0TWZPJYcBTH6fwdU',
  ],
  [
    'full_challenge_alt_secret',
    {
      secret: 'test-secret-abc123-minimum-32-byte-secret',
      realm: 'api.tempo.xyz',
      request: full,
      expires: '2026-02-01T00:00:00Z',
      digest: 'sha-256=abc123def456',
    },
    '_pLIgk1zfLjIqa1aXziYSyyHZLQZQ1WXCBSa3-DK6_E',
  ],
  [
    'different_secret_different_id',
    { secret: 'different-secret-key-minimum-32-byte-secret', request: basic },
    'iox5xpRvWhpAMaIlMZIKRJHGOIiCNDJrE28AljJJzyE',
  ],
  [
    'empty_request_alt_secret',
    {
      secret: 'test-key-minimum-32-byte-secret-key',
      realm: 'test.example.com',
      intent: 'authorize',
      request: {},
    },
    'XOelcFKZ14F8K1KtmsQsN-PKrpBg2_pwnLg0HJUOd1g',
  ],
  [
    'unicode_in_description',
    {
      secret: 'unicode-test-key-minimum-32-byte-secret',
      request: {
        amount: '100',
        currency: 'EUR',
        recipient: `0x${'1'.repeat(40)}`,
        description: 'Payment for café ☕',
      },
    },
    '-UB9jxfPEvTmFw7qvLmqJhDZ-lJ-noCp15ROxPHC4BE',
  ],
  [
    'nested_method_details_alt_secret',
    { secret: 'nested-test-key-minimum-32-byte-secret', realm: 'api.tempo.xyz', request: nested },
    'rWfhir6e_bnIQdbh6tHUosPEHnxLIaWRDWs-zNHeYug',
  ],
  [
    'mixed_case_key_ordering',
    {
      secret: 'case-sensitive-key-minimum-32-bytes',
      request: { ...million, Currency: 'USD', ZONE: 'eu-1', network: { chainId: 42431, Layer: 'L2' } },
    },
    'oUJHedaukLx579-B6Apbsw_r17uJOqERHjQRjCVhP0M',
  ],
])('%s', (_, { secret = TEST_SECRET, request = million, ...parts }, id) => {
  const bound = {
    realm: 'api.example.com',
    method: 'tempo',
    intent: 'charge',
    ...parts,
    request: base64url(jcs(request)),
  };
  expect(challengeId(bound, secret)).toBe(id);
});
