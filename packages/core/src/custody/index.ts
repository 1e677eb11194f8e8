export type { CustodyWallet, KeptCustodyWallet } from './CustodyWallet.js';
export {
  balanceOf,
  chainOf,
  defaultChain,
  networkNamed,
  ofHolder,
  open,
  payingFor,
  totalOnChain,
} from './operations.js';
export type { AuthorizationFate, CustodyKeys, CustodyPorts, PaymentChain } from './ports.js';
export { sign } from './sign.js';
