import { runtime } from '@agentpay/api';
import { implementFamily } from '../../http/implement.js';
import { agentHandlers } from './agents.js';
import { serviceHandlers } from './services.js';
import { tokenHandlers } from './tokens.js';
import { walletHandlers } from './wallets.js';

export const runtimeRoutes = implementFamily(runtime, {
  agents: agentHandlers,
  wallets: walletHandlers,
  services: serviceHandlers,
  tokens: tokenHandlers,
});
