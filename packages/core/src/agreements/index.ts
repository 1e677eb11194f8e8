export { activate, activationPackage } from './activate.js';
export type { ActivationPackage, ActivationProof } from './activate.js';
export {
  agreementFundings,
  agreementStatuses,
  isEnded,
  isStuck,
  journalKeys,
  remainingOf,
  stepOf,
} from './Agreement.js';
export type {
  Agreement,
  AgreementEvent,
  AgreementFunding,
  AgreementStatus,
  AgreementUsage,
} from './Agreement.js';
export { challengeIn, challengeWants, decideChallengeIn } from './challenge.js';
export { compareEscrow } from './compareEscrow.js';
export type { EscrowDifference } from './compareEscrow.js';
export { decideApproval } from './decide.js';
export { accept, complete, get, history, list, reject } from './operations.js';
export type { DirectPurchase } from './DirectPurchase.js';
export type { DirectPorts, FeeState, FeeWallet, PermitFee } from './directPorts.js';
export { proposeDirect, proposeOnce } from './proposeDirect.js';
export { requirements } from './requirements.js';
export type { DirectRequirements } from './requirements.js';
export { getDirect, workDirect } from './workDirect.js';
export { beginCall, endCall, releaseLeft } from './metering.js';
export type { MeteredCall } from './metering.js';
export type {
  AgreementEscrow,
  AgreementOffer,
  AgreementPorts,
  EscrowStep,
  HoldSight,
  OfferRefusal,
  TypedData,
} from './ports.js';
export { propose } from './propose.js';
export type { ProposedTerms } from './propose.js';
export { countStuck, MOST_RELAYED, relay } from './relay.js';
export { work } from './settle.js';
export { record } from './usage.js';
