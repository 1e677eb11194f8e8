export type { CustodyWallet, KeptCustodyWallet } from './CustodyWallet.js';
export {
  balanceOf,
  chainOf,
  defaultChain,
  networkNamed,
  ofHolder,
  open,
  payingFor,
  permitsOf,
  totalOnChain,
} from './operations.js';
export type { AuthorizationFate, CustodyKeys, CustodyPorts, PaymentChain, PermitChain } from './ports.js';
export { sign, signPermit } from './sign.js';
