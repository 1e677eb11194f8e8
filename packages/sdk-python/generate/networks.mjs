import { quote } from './names.mjs';

/** The networks and the money on them, from the one table that everything signs by; and what is said of a wallet that holds too little. */
export function networksModule({ networks, TEST_MONEY }, { shortBalanceCodes }) {
  const codes = [...shortBalanceCodes].map(quote).join(', ');
  const rows = networks.map(({ id, name, title, chainId, mainnet, usdc }) => {
    const { address, symbol, decimals, eip712, transfer = 'eip3009' } = usdc;
    const flags = `mainnet=${mainnet ? 'True' : 'False'}, decimals=${decimals}`;
    return (
      `    Network(id=${quote(id)}, name=${quote(name)}, title=${quote(title)}, chain_id=${chainId}, ${flags}, asset=${quote(address)}, ` +
      `symbol=${quote(symbol)}, token_name=${quote(eip712.name)}, token_version=${quote(eip712.version)}, transfer=${quote(transfer)}),\n`
    );
  });
  return `# Written by generate.mjs from the table of networks; do not edit.
from __future__ import annotations

from .._network import Network

NETWORKS: tuple[Network, ...] = (
${rows.join('')})

FAUCET = ${quote(TEST_MONEY)}

SHORT_BALANCE = frozenset({${codes}})
`;
}
