import { misspeltVariables, sharedSecrets, type Env } from '@agentpay/http';
import { Environment, isSandbox } from './environment.js';

/** What of the environment does not go together, or is not for production: a sentence for each. */
export function configFaults(values: Environment, env: Env): string[] {
  return [
    ...misspeltVariables(Object.keys(Environment.shape), env),
    ...storageFaults(values),
    ...operatorFaults(values),
    ...stripeFaults(values),
    ...sandboxFaults(values),
    ...sandboxOnlyFaults(values),
    ...signInFaults(values),
    ...(values.NODE_ENV === 'production' ? productionFaults(values) : []),
  ];
}

function signInFaults(values: Environment): string[] {
  const { GITHUB_CLIENT_ID: id, GITHUB_CLIENT_SECRET: secret, GITHUB_URL, GITHUB_API_URL } = values;
  const faults: string[] = [];
  if ((id === undefined) !== (secret === undefined))
    faults.push('GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together; give both or none.');
  if (!id && (GITHUB_URL || GITHUB_API_URL))
    faults.push('GITHUB_CLIENT_ID is missing; GITHUB_URL and GITHUB_API_URL need it.');
  return faults;
}

function stripeFaults(values: Environment): string[] {
  const { STRIPE_SECRET_KEY: key, STRIPE_CUSTOMER, STRIPE_PAYMENT_METHOD, STRIPE_API_URL } = values;
  const faults: string[] = [];
  if (!key && (STRIPE_CUSTOMER || STRIPE_PAYMENT_METHOD || STRIPE_API_URL))
    faults.push('STRIPE_SECRET_KEY is missing; the other variables of Stripe need it.');
  if ((STRIPE_CUSTOMER === undefined) !== (STRIPE_PAYMENT_METHOD === undefined))
    faults.push('STRIPE_CUSTOMER and STRIPE_PAYMENT_METHOD belong together; give both or none.');
  if (key && /^.k_live_/.test(key) && isSandbox(values))
    faults.push('STRIPE_SECRET_KEY is a live key; a sandbox would pay real money out for play money.');
  return faults;
}

function sandboxFaults(values: Environment): string[] {
  if (!values.SANDBOX_AUTO_APPROVE || isSandbox(values)) return [];
  return ['SANDBOX_AUTO_APPROVE lets everybody become a developer; it needs a sandbox.'];
}

function operatorFaults({ ADMIN_KEY, FORMER_ADMIN_KEYS }: Environment): string[] {
  if (ADMIN_KEY || !FORMER_ADMIN_KEYS?.length) return [];
  return ['ADMIN_KEY is missing; FORMER_ADMIN_KEYS are those that it takes the place of.'];
}

/** What would have a sandbox without play money. */
function sandboxOnlyFaults({ PUBLIC_DEMO_SANDBOX_ONLY, SANDBOX }: Environment): string[] {
  if (!PUBLIC_DEMO_SANDBOX_ONLY || SANDBOX !== false) return [];
  return [
    'SANDBOX=false and PUBLIC_DEMO_SANDBOX_ONLY=true say the opposite of each other; give one of them.',
  ];
}

function storageFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (values.DATABASE_URL && values.DATA_DIR)
    faults.push('DATABASE_URL and DATA_DIR name two databases; give one of them.');
  // Production names the same fault in its own words.
  if (values.DATABASE_URL && !values.JWT_SECRET && values.NODE_ENV !== 'production') {
    faults.push('JWT_SECRET is missing; every node on DATABASE_URL must sign with the same one.');
  }
  return faults;
}

function productionFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (!values.JWT_SECRET)
    faults.push('JWT_SECRET is missing; production needs at least 32 random characters.');
  if (values.OUTBOUND_LOOPBACK)
    faults.push('OUTBOUND_LOOPBACK lets callers reach this machine; production refuses it.');
  if (values.DEV_SIGN_IN) faults.push('DEV_SIGN_IN lets anybody be anybody; production refuses it.');
  if (!values.DATABASE_URL)
    faults.push('DATABASE_URL is missing; production does not run on the embedded database.');
  if (values.TRUST_PROXY_HOPS === undefined)
    faults.push('TRUST_PROXY_HOPS is missing; give the number of proxies in front, 0 for none.');
  if (!values.REDIS_URL && !values.ALLOW_SINGLE_NODE) {
    faults.push('REDIS_URL is missing; set ALLOW_SINGLE_NODE=true to run a single node without it.');
  }
  if (values.SANDBOX && !values.PUBLIC_DEMO_MODE) {
    faults.push('SANDBOX=true lets everybody give themselves money; production refuses it.');
  }
  const { JWT_SECRET, KEY_PEPPER, MASTER_KEY, ADMIN_KEY, PUBLIC_DEMO_ADMIN_TOKEN } = values;
  faults.push(...sharedSecrets({ JWT_SECRET, KEY_PEPPER, MASTER_KEY, ADMIN_KEY, PUBLIC_DEMO_ADMIN_TOKEN }));
  return [...faults, ...demoFaults(values)];
}

function demoFaults(values: Environment): string[] {
  const faults: string[] = [];
  if (values.PUBLIC_DEMO_ALLOWED_ORIGINS?.some((origin) => !origin.startsWith('https://'))) {
    faults.push('PUBLIC_DEMO_ALLOWED_ORIGINS has an origin that does not start with https://.');
  }
  if (!values.PUBLIC_DEMO_MODE) return faults;
  if (!values.PUBLIC_DEMO_ADMIN_TOKEN) {
    faults.push('PUBLIC_DEMO_ADMIN_TOKEN is missing; PUBLIC_DEMO_MODE needs at least 32 random characters.');
  }
  if (!values.PUBLIC_DEMO_SANDBOX_ONLY) faults.push('PUBLIC_DEMO_MODE needs PUBLIC_DEMO_SANDBOX_ONLY=true.');
  return faults;
}
