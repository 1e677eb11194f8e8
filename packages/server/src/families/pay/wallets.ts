import { pay } from '@agentpay/api';
import { custody, type Core } from '@agentpay/core';
import { AgentPayError } from '@agentpay/primitives';
import { implement } from '../../http/implement.js';

export const handlers = implement(pay.nouns.wallets, ({ core }) => ({
  async create({ principal, body }) {
    const { network } =
      body.network === undefined ? defaultChain(core) : custody.networkNamed(core, body.network);
    const { id: ownerId } = principal.party;
    const wallet = await core.db.tx((tx) =>
      custody.open(core, tx, { ownerId, holder: principal.credentialId, network: network.id }),
    );
    return shown(core, wallet);
  },
  async list({ principal }) {
    const wallets = await custody.ofHolder(core.db, { holder: principal.credentialId });
    const withMoney = wallets.map(async (wallet) => {
      const money = await custody.balanceOf(core, wallet).catch(() => undefined);
      return { ...shown(core, wallet), balance: money?.onChain ?? null, held: money?.held ?? 0n };
    });
    return { wallets: await Promise.all(withMoney) };
  },
}));

function shown(core: Core, { walletId, network, address, createdAt }: custody.CustodyWallet) {
  const asset = core.ports.chains.get(network)?.network.asset.symbol ?? '';
  return { id: walletId, network, asset, address, created_at: createdAt };
}

/** The first network on which wallets can pay. */
function defaultChain(core: Core): custody.PaymentChain {
  const first = custody.defaultChain(core);
  if (first) return first;
  throw new AgentPayError('settlement_not_configured', 'No network is configured on which wallets pay.');
}
