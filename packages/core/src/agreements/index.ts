export { agreementStatuses, isEnded, remainingOf, stepOf } from './Agreement.js';
export type { Agreement, AgreementEvent, AgreementStatus, AgreementUsage } from './Agreement.js';
export { challengeIn, challengeWants, decideChallengeIn } from './challenge.js';
export { decideApproval } from './decide.js';
export { accept, activatable, activate, complete, get, history, list, reject } from './operations.js';
export { propose } from './propose.js';
export type { ProposedTerms } from './propose.js';
export { work } from './settle.js';
export { record } from './usage.js';
