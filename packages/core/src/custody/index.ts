export type { CustodyWallet } from './CustodyWallet.js';
export {
  balanceOf,
  chainOf,
  defaultChain,
  networkNamed,
  ofHolder,
  open,
  totalOnChain,
} from './operations.js';
export type { AuthorizationFate, CustodyKeys, CustodyPorts, PaymentChain } from './ports.js';
export { sign } from './sign.js';
