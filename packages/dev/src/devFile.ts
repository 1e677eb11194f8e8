import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { baseSepolia, MULTICALL3 } from '@agentpay/primitives';
import { AGREEMENT_OPERATOR, AUTH_CAPTURE_ESCROW } from '@agentpay/protocol';
import { privateKeyToAddress } from 'viem/accounts';
import { replaceFile } from './replaceFile.js';
import { CHALLENGE_WINDOW_SECONDS, type Stack } from './stack.js';
import { tokenStoreOf } from './tokenStore.js';

/** Where the running stack is described for tools, below the working folder. Holds keys: mode 0600, ignored by git. */
export interface DevFile {
  write(stack: Stack): void;
  /** Removes the file if this process wrote it last. */
  remove(): void;
}

export function devFile(folder: string): DevFile {
  const file = join(folder, '.agentpay', 'dev.json');
  rmSync(file, { force: true });
  return {
    write(stack) {
      mkdirSync(join(folder, '.agentpay'), { recursive: true, mode: 0o700 });
      replaceFile(file, `${JSON.stringify(describe(stack), null, 2)}\n`);
    },
    remove() {
      if (ownerOf(file) === process.pid) rmSync(file, { force: true });
    },
  };
}

function describe({ urls, parts, state, cookie }: Stack) {
  return {
    api: { url: urls.api },
    facilitator: { url: urls.facilitator },
    seller: {
      url: urls.seller,
      address: privateKeyToAddress(state.sellerKey),
      paths: { json: '/paid', post: '/post', stream: '/stream', fail: '/fail', slow: '/slow' },
    },
    chain: {
      rpcUrl: urls.chain,
      chainId: baseSepolia.chainId,
      network: baseSepolia.id,
      usdc: baseSepolia.usdc.address,
      multicall3: MULTICALL3,
      escrow: AUTH_CAPTURE_ESCROW,
      operator: AGREEMENT_OPERATOR,
      tokenStore: tokenStoreOf(AGREEMENT_OPERATOR),
    },
    keys: {
      admin: state.adminKey,
      runtime: state.buyer.apiKey,
      seller: state.seller.apiKey,
      agent: state.agentKey,
      apiKey: state.userKey,
      buyerAgent: state.buyer.apiKey,
      gateway: state.gatewayKey,
      developer: state.developer.key,
    },
    stripeWebhookSecret: state.stripeWebhookSecret,
    session: { cookie },
    probe: {
      challenge_window_seconds: CHALLENGE_WINDOW_SECONDS,
      sbc_scenarios: state.scenarios,
      urls: {
        demo_seller_x402: `${urls.api}/api/demo/seller?protocol=x402`,
        demo_seller_mpp: `${urls.api}/api/demo/seller?protocol=mpp`,
      },
    },
    ids: {
      agent: state.buyer.agentId,
      wallet: state.buyer.walletId,
      buyerAgent: state.buyer.agentId,
      sellerAgent: state.seller.agentId,
      sellerWallet: state.seller.walletId,
      service: state.serviceId,
      developer: state.developer.developerId,
      listings: state.developer.listings,
    },
    buyer: { address: privateKeyToAddress(state.buyerKey), privateKey: state.buyerKey },
    pids: {
      supervisor: process.pid,
      api: parts.api.running.pid,
      facilitator: parts.facilitator.running.pid,
      seller: parts.seller.running.pid,
      chain: parts.chain.running.pid,
    },
  };
}

function ownerOf(file: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { pids: { supervisor: number } }).pids.supervisor;
  } catch {
    return undefined;
  }
}
