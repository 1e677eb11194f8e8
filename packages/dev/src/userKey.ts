import { baseSepolia } from '@agentpay/primitives';
import { createApiClient } from '@agentpay/sdk';
import type { OwnerApi } from './ownerApi.js';

/** The API key of the owner, made unless the folder knows it from an earlier start, with money in its wallet on the chain. */
export async function fundedUserKey(
  owner: OwnerApi,
  {
    apiUrl,
    known,
    fund,
  }: { apiUrl: string; known: string | undefined; fund: (address: string) => Promise<unknown> },
): Promise<string> {
  const key = known ?? (await makeKey(owner));
  const { pay } = createApiClient({ url: apiUrl, keys: { apiKey: key } });
  await fund((await pay.wallets.create({ network: baseSepolia.id })).address);
  return key;
}

async function makeKey(owner: OwnerApi): Promise<string> {
  const made = await owner.call<{ api_key: string }>('POST', '/v1/keys', { name: 'local' });
  return (made as { api_key: string }).api_key;
}
