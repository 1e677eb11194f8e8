import { jsonFlag, type CommandRow } from '@agentpay/http/commands';
import { scopes } from './operations/ApiKey.js';

// Each loads what it needs: a command, or a fault in the settings, is answered before the server is read.

const facilitator: CommandRow = {
  name: 'facilitator',
  says: 'settle payments for sellers; configured by the environment',
  flags: [jsonFlag],
  examples: [
    'RPC_URLS=https://sepolia.base.org SIGNER_KEYS=0x… DATA_DIR=./facilitator agentpay facilitator',
    'KEYSTORE_FILE=signer.json KEYSTORE_PASSWORD_FILE=password RPC_URLS=https://… agentpay facilitator --json',
  ],
  run: async (called) => (await import('./serve.js')).serve(called),
};

const keystoreCreate: CommandRow = {
  name: 'facilitator keystore create',
  says: 'write a new key, or the one in SIGNER_KEY, encrypted with KEYSTORE_PASSWORD_FILE or KEYSTORE_PASSWORD',
  args: ['<file>'],
  flags: [jsonFlag],
  examples: ['KEYSTORE_PASSWORD_FILE=password agentpay facilitator keystore create signer.json'],
  run: async (called) => (await import('./makeKeys.js')).createKeystore(called),
};

const keyCreate: CommandRow = {
  name: 'facilitator key create',
  says: `make an API key; scopes, by commas: ${scopes.join(', ')}`,
  args: ['<name>', '<scopes>'],
  flags: [jsonFlag],
  examples: [
    'agentpay facilitator key create shop verify,settle',
    'agentpay facilitator key create me admin --json',
  ],
  run: async (called) => (await import('./makeKeys.js')).createApiKey(called),
};

/** The commands of the facilitator, which the command line of AgentPay has among its own. */
export const facilitatorCommands: readonly CommandRow[] = [facilitator, keystoreCreate, keyCreate];

export const facilitatorGroups = { keystore: 'keys of signer accounts', key: 'keys of those who call it' };
